import { asCode } from '../../errors/as-code.ts'
import { NoSuchMemberError, NotAssignableError } from '../../errors/members.ts'
import { currentPosition } from '../../tensor/current-position.ts'
import { inTensors } from '../../tensor/members/other-libraries.ts'

/** The parts of a module that are needed to tell what its user may have meant. */
interface NamedModule {
  readonly path: string
  readonly scope: { readonly weights: { has(name: string): boolean } }
  /** Whether it has a child of that name. */
  has(name: string): boolean
}

/** What to write instead of members that modules have in nnsight and PyTorch, with `m` for the module. */
const instead: Readonly<Record<string, string>> = {
  source: 'm.ops, its operations: m.ops.Softmax[0].output',
  parameters: 'm.weights',
  named_parameters: 'm.weights',
  state_dict: 'm.weights',
  children: 'm.modules',
  named_children: 'm.modules',
  named_modules: 'm.modules',
  forward: 'm(h): a module is applied by calling it',
  skip: 'skip(m)',
  next: 'generate(model, inputs, options, (m, step) => …): its block runs in each step',
  iter: 'iter(steps, () => …) in a block of generate()',
  all: 'all(() => …) in a block of generate()',
  eval: 'nothing: a model is always in this state',
  train: 'nothing: a model is always in the state of eval()',
  device: "load(path, { provider: 'cuda' })",
}

const codeOf = ({ path }: NamedModule): string => (path === '' ? 'model' : asCode(path))
const nameOf = ({ path }: NamedModule): string => (path === '' ? 'The model' : path)

/** The error for reading a member that modules have elsewhere, with what to write; undefined for any other name. */
export function otherLibrarysMember(handle: NamedModule, name: string): NoSuchMemberError | undefined {
  const code = codeOf(handle)
  const fix = Object.hasOwn(instead, name)
    ? `write ${instead[name].replaceAll(/\bm(?=[.()])/g, code)}`
    : handle.scope.weights.has(name)
      ? `write ${code}.weights.${name}`
      : adviceOfOutput(code, name)
  return fix === undefined ? undefined : new NoSuchMemberError(nameOf(handle), name, fix, currentPosition())
}

/** Advice for a tensor's member that is read from a module: it belongs to the module's output. */
function adviceOfOutput(code: string, name: string): string | undefined {
  const member = inTensors(name)
  return member?.replaceAll(/\bh(?=[.,):]|$)/g, `${code}.output`)
}

export function unassignable(handle: NamedModule, name: string): NotAssignableError {
  const code = codeOf(handle)
  const own = asCode(handle.path === '' ? name : `${handle.path}.${name}`)
  const fix = handle.scope.weights.has(name)
    ? `write the parameter: ${code}.weights.${name} = …`
    : handle.has(name)
      ? `write what it gives or takes: ${own}.output = …, ${own}.input = …`
      : `assign to ${code}.output or .input, or to a name in .outputs, .inputs or .weights`
  return new NotAssignableError(
    `${name} of ${handle.path === '' ? 'the model' : `the module ${handle.path}`}`,
    fix,
    currentPosition(),
  )
}
