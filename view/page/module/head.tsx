import type { ModuleDescription, OperationDescription } from '../../protocol/api.ts'
import { bytes, grouped } from '../parts/numbers.ts'
import { showShape } from '../parts/shapes.ts'

/** How many weights are listed at once. A model without module names has hundreds in one module. */
const MAX_WEIGHTS = 6

/** The name of a module, its size and its weights. */
export function ModuleHead({ module }: { module: ModuleDescription }) {
  const { path } = module
  return (
    <header class="module-head">
      <h2 id="module-title" class="code">
        {path === '' ? 'model' : path}
      </h2>
      <p class="meta">
        {module.className && <span>{module.className}</span>}
        <span>
          {grouped(module.nodes)} {module.nodes === 1 ? 'node' : 'nodes'}
        </span>
        {module.parameters > 0 && (
          <span>
            {grouped(module.parameters)} parameters, {bytes(module.bytes)}
          </span>
        )}
        {module.weights.length <= MAX_WEIGHTS && <Weights weights={module.weights} />}
      </p>
      {module.weights.length > MAX_WEIGHTS && (
        <details class="all-weights">
          <summary>{module.weights.length} weights</summary>
          <p class="meta">
            <Weights weights={module.weights} />
          </p>
        </details>
      )}
    </header>
  )
}

function Weights({ weights }: Pick<ModuleDescription, 'weights'>) {
  return (
    <>
      {weights.map(weight => (
        <span key={weight.name} class="code">
          {weight.name} {showShape(weight)}
        </span>
      ))}
    </>
  )
}

/** The name of a node, its operator and its attributes. */
export function OperationHead({
  module,
  node,
  operation,
  onModule,
}: {
  module: string
  node: string
  /** Missing while it is loading. */
  operation: OperationDescription | undefined
  onModule: () => void
}) {
  const shown = operation?.node === node ? operation : undefined
  return (
    <header class="module-head">
      <h2 id="module-title" class="code">
        {node}
      </h2>
      <p class="meta">
        {shown && <b>{shown.domain === '' ? shown.opType : `${shown.domain}.${shown.opType}`}</b>}
        {shown?.attributes.map(({ name, value }) => (
          <span key={name} class="code">
            {name} {value}
          </span>
        ))}
        <span>
          in{' '}
          <button type="button" class="link code" onClick={onModule}>
            {module || 'model'}
          </button>
        </span>
      </p>
    </header>
  )
}
