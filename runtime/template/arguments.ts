import { signatureOf } from '../tensor/arguments/signatures.ts'
import { TemplateProblem } from './problem.ts'

/** The arguments of a call in a template. */
export interface Arguments {
  readonly positional: readonly unknown[]
  readonly named: Readonly<Record<string, unknown>>
}

/** Names that PyTorch and NumPy have for the same arguments. */
const axisNames: ReadonlySet<string> = new Set(['dim', 'dims', 'axis', 'axes'])
const synonyms: Readonly<Record<string, string>> = { dtype: 'type', keepdims: 'keepdim', input: 'other' }

/**
 * Puts the arguments into the order in which the operation takes them: `sum(h, dim=-1, keepdim=True)` gives [-1, { keepdim: true }].
 * @throws TemplateProblem for too many arguments, for a name that the operation does not have, and for an argument that is given twice
 */
export function arrange(operation: string, declared: string, { positional, named }: Arguments): unknown[] {
  const { plain, rest, options } = signatureOf(declared)
  const values = positional.map(optional)
  if (!rest && values.length > plain.length) {
    throw new TemplateProblem(
      `${operation} takes ${plain.length} argument${plain.length === 1 ? '' : 's'} here, and was given ${values.length}`,
      options.length > 0
        ? `name the others: ${options.map(name => `${name}=…`).join(', ')}`
        : usage(operation, declared),
    )
  }
  const chosen: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(named)) {
    const own = find(name, [...plain, ...(rest ? [rest] : []), ...options])
    if (own === undefined) throw new TemplateProblem(`${operation} has no argument ${name}`, usage(operation, declared))
    const at = own === rest ? plain.length : plain.indexOf(own)
    if (at >= 0 && at < values.length)
      throw new TemplateProblem(`${operation} is given ${own} twice`, usage(operation, declared))
    if (at < 0) chosen[own] = optional(value)
    else if (own === rest && Array.isArray(value)) values.push(...value)
    else values[at] = optional(value)
  }
  if (Object.keys(chosen).length > 0) values[plain.length] = chosen
  return Array.from(values)
}

/** The operation's arguments as text for messages. */
export function usage(operation: string, declared: string): string {
  const { plain, rest, options } = signatureOf(declared)
  const parts = [...plain, ...(rest ? [`${rest}…`] : []), ...options.map(name => `${name}=…`)]
  return parts.length > 0 ? `its arguments are ${parts.join(', ')}` : `${operation} takes none`
}

function find(name: string, own: readonly string[]): string | undefined {
  const camel = toCamelCase(name)
  if (own.includes(camel)) return camel
  const synonym = synonyms[name]
  if (synonym !== undefined && own.includes(synonym)) return synonym
  return axisNames.has(name) ? own.find(other => axisNames.has(other) || other === 'which') : undefined
}

/** Turns None, which leaves an argument out, into undefined. */
const optional = (value: unknown): unknown => (value === null ? undefined : value)

/** Converts PyTorch's form of a name: log_softmax becomes logSoftmax. */
export function toCamelCase(name: string): string {
  return name.replace(/(?<=[a-z0-9])_+([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())
}
