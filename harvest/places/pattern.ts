import { HarvestError } from '../../runtime/errors/harvest.ts'
import { nearestNames } from '../../runtime/errors/nearest-names.ts'
import type { Model } from '../../runtime/model/model.ts'
import { handleOf } from '../../runtime/model/modules/module.ts'
import { pathsOf } from '../../runtime/names/aliases.ts'
import type { Tensor } from '../../runtime/tensor/tensor.ts'

/** A place whose values are harvested. */
export interface Place {
  /** Its name in the shards: `transformer.h.5.output`, or a hook's. */
  readonly name: string
  /** Reads its value in the current trace. */
  read(model: Model): Tensor
}

/** The ends of a module's places. */
const END = /^(.+)\.(output|input|outputs\.[^.]+|inputs\.[^.]+)$/

/**
 * The places that patterns name, in the model's order: `transformer.h.*.output`, `**.mlp.output`, or hooks, `blocks.*.hook_resid_post`. `*` is one
 * part of a path, or some letters of it, and `**` any number of parts.
 * @throws HarvestError for a pattern that names no place
 */
export function placesOf(model: Model, patterns: readonly string[]): Place[] {
  const found = new Map<string, Place>()
  for (const pattern of patterns) {
    const places = pattern.includes('hook_') ? hookPlaces(model, pattern) : modulePlaces(model, pattern)
    for (const place of places) if (!found.has(place.name)) found.set(place.name, place)
  }
  if (found.size === 0) throw new HarvestError('No places were named.', "say which: at: 'transformer.h.*.output'")
  return [...found.values()]
}

function hookPlaces(model: Model, pattern: string): Place[] {
  const names = Object.keys(model.hooks)
  const matches = matcher(pattern)
  const chosen = names.filter(name => matches(name))
  if (chosen.length === 0) throw nothing(pattern, nearestNames(pattern, names))
  return chosen.map(name => ({ name, read: traced => traced.hooks[name] }))
}

function modulePlaces(model: Model, pattern: string): Place[] {
  const plain = pattern.replaceAll(/\[(-?\w+|\*)\]/g, '.$1').replace(/^model\.(?=.)/, '')
  const { tree } = handleOf(model)!.binding.taps
  const paths = pathsOf(tree)
  const whole = [plain, pattern.replaceAll(/\[(-?\w+|\*)\]/g, '.$1')]
  for (const one of whole.reverse()) {
    const [, path, end] = END.exec(one) ?? []
    if (path === undefined) continue
    const matches = matcher(path)
    const chosen = tree.modules.filter(module => paths.get(module)?.some(name => matches(name)))
    if (chosen.length === 0) continue
    return chosen.map(module => ({ name: `${module.path}.${end}`, read: traced => valueAt(traced, module.path, end) }))
  }
  if (!END.test(plain))
    throw new HarvestError(
      `${pattern} does not say which value of the modules is meant.`,
      `end it with .output or .input: ${pattern}.output`,
    )
  const [, path] = END.exec(plain)!
  throw nothing(
    pattern,
    nearestNames(
      path,
      tree.modules.map(module => module.path),
    ),
  )
}

function valueAt(model: Model, path: string, end: string): Tensor {
  const module = model.module(path)
  const [kind, name] = end.split(/\.(.+)/)
  if (kind === 'output') return module.output as Tensor
  if (kind === 'input') return module.input as Tensor
  const values = (kind === 'outputs' ? module.outputs : module.inputs) as Readonly<Record<string, Tensor>>
  return values[name]
}

const nothing = (pattern: string, near: readonly string[]): HarvestError =>
  new HarvestError(
    `${pattern} names no place of the model.`,
    near.length > 0
      ? `did you mean ${near.join(', ')}? console.log(String(model)) shows all modules`
      : 'console.log(String(model)) shows all modules',
  )

/** Whether a path fits a pattern with stars. It works part by part, so that no pattern takes long. */
function matcher(pattern: string): (path: string) => boolean {
  const wanted = pattern.split('.')
  return path => fits(wanted, path.split('.'))
}

function fits(wanted: readonly string[], parts: readonly string[]): boolean {
  // The positions in the pattern that the parts so far can have led to.
  let at = new Set(skipping(wanted, [0]))
  for (const part of parts) {
    const next = [...at].flatMap(i =>
      i >= wanted.length ? [] : wanted[i] === '**' ? [i] : fitsPart(wanted[i], part) ? [i + 1] : [],
    )
    at = new Set(skipping(wanted, next))
  }
  return at.has(wanted.length)
}

/** `**` may stand for no part at all. */
function skipping(wanted: readonly string[], positions: readonly number[]): number[] {
  return positions.flatMap(position => {
    const all = [position]
    for (let i = position; wanted[i] === '**'; i++) all.push(i + 1)
    return all
  })
}

function fitsPart(wanted: string, part: string): boolean {
  const pieces = wanted.split('*')
  if (pieces.length === 1) return wanted === part
  const [first, ...others] = pieces
  const last = others.pop()!
  if (!part.startsWith(first) || part.length < first.length + last.length || !part.endsWith(last)) return false
  let from = first.length
  const end = part.length - last.length
  for (const piece of others) {
    const at = part.indexOf(piece, from)
    if (at < 0 || at + piece.length > end) return false
    from = at + piece.length
  }
  return true
}
