import { type Copy, copy, ownCopy } from '../../errors/copies.ts'
import { UnknownNameError } from '../../errors/names.ts'
import { nearestNames } from '../../errors/nearest-names.ts'
import { Application, type Dims, type Tap, Value } from '../../graph/expression.ts'
import { printModule } from '../../names/print.ts'
import { reservedNames } from '../../names/reserved.ts'
import { lookUp, resolveChild } from '../../names/resolve.ts'
import type { ModuleNode } from '../../names/tree.ts'
import { refuseSurplus } from '../../tensor/arguments/check-arguments.ts'
import { isReadByTools, valueForTools } from '../../tensor/members/names-tools-read.ts'
import { newHandle, stateOf, type Tensor } from '../../tensor/tensor.ts'
import { type TensorLike, toTensor } from '../../tensor/values/convert.ts'
import { readActivation, writeActivation } from './activation.ts'
import type { Binding } from './binding.ts'
import { type Heads, headsOf } from './heads/heads.ts'
import { type LayerMethods, listMethod } from './list-methods.ts'
import { expectingMember } from './member-arguments.ts'
import { type Operations, operationsOf } from './operations.ts'
import { otherLibrarysMember, unassignable } from './other-libraries-members.ts'
import { readParameter, writeParameter } from './parameter.ts'

/** The members of every module, beside its children. */
export interface ModuleBase {
  /** `transformer.h.5.mlp`; '' for the model itself. */
  readonly path: string
  /** The activation that leaves the module. Reading returns a handle; assigning changes what everything outside the module reads.
   * @throws AmbiguousTapError if several values leave: see `outputs`; NoTapError if none does */
  get output(): Tensor
  set output(value: TensorLike)
  /** The activation that enters the module. Assigning changes what this module reads, and nothing else. */
  get input(): Tensor
  set input(value: TensorLike)
  /** All values that leave the module, by name. */
  readonly outputs: Taps
  /** All values that enter the module, by name. */
  readonly inputs: Taps
  /** A child by name, also if the name is no identifier, or is the name of a property. @throws UnknownModuleError */
  child(name: string): Module
  /** Direct children, in the model's order. */
  readonly modules: readonly Module[]
  /** The number of children: of layers, for a list (`h.length`, `h.at(-1)`, `h.slice(2, 5)`, `for (const layer of h)`). */
  readonly length: number
  /** The module tree below this module: children, nodes, parameters. */
  toString(): string
}

/** The members of a module whose children are not known at build time. */
export interface ModuleMembers extends ModuleBase {
  /** The module's own nodes, by operation: `attn.ops.Softmax[0].output`. */
  readonly ops: Operations
  /** The module's parameters, by name: `c_fc.weights.weight`. */
  readonly weights: Taps
  /** The heads of the module's attention, which are found in the graph: `attn.heads[3].pattern`, `attn.heads.length`. If a child has this name,
   * `heads` is the child. @throws NoHeadsError if the module has no attention, or more than one */
  readonly heads: Heads & { readonly [child: string]: Module }
  at(index: number): Module
  slice(start?: number, end?: number): Module[]
  [Symbol.iterator](): Iterator<Module>
}

/** Values by name. Reading returns a handle, assigning writes. */
export type Taps = { [name: string]: Tensor }

/**
 * A module of the model, found by its path: `model.transformer.h[0].attn`. Calling it with a tensor applies it to the tensor:
 * `model.lm_head(model.transformer.ln_f(h))`.
 */
export type Module = ((input: TensorLike) => Tensor) &
  ModuleMembers &
  LayerMethods<Module> & { readonly [child: string]: Module }

/** Names of further properties of modules. If a child has such a name, the property is the child. */
export const otherMembers: ReadonlySet<string> = new Set(['heads'])

const INSPECT = Symbol.for('nodejs.util.inspect.custom')

const proxies = new WeakMap<Binding, Map<string, Module>>()

/** The proxy of a module. There is one for each path. */
export function moduleProxy(binding: Binding, node: ModuleNode): Module {
  let known = proxies.get(binding)
  if (!known) {
    known = new Map()
    proxies.set(binding, known)
  }
  let proxy = known.get(node.path)
  if (!proxy) {
    proxy = makeProxy(new ModuleHandle(binding, node.path)) as unknown as Module
    known.set(node.path, proxy)
  }
  return proxy
}

const handles = new WeakMap<object, ModuleHandle>()

/** The handle behind a module's proxy; undefined for anything else. */
export function handleOf(value: unknown): ModuleHandle | undefined {
  return typeof value === 'function' ? handles.get(value) : undefined
}

/** A proxy whose properties are the handle's members, or else its children. */
export function makeProxy(handle: ModuleHandle): object {
  const target = (input: TensorLike, ...surplus: unknown[]): Tensor => {
    refuseSurplus(handle.path || 'the model', 1, surplus)
    return handle.apply(input)
  }
  // Node's inspect prints the target of a proxy.
  Object.defineProperty(target, INSPECT, { value: handle[INSPECT].bind(handle), configurable: true })
  const proxy = new Proxy(target, {
    get(_, key) {
      // A proxy must not look like a promise, even if a child is named `then`: `await model.h` returns the module.
      if (key === 'then') return undefined
      const isMember = (name: string): boolean =>
        handle.members.has(name) || (handle.otherMembers.has(name) && !handle.has(name))
      if (typeof key === 'symbol' || isMember(key)) {
        const value = Reflect.get(handle, key, handle)
        // A model is a function too.
        if (typeof value !== 'function' || handles.has(value)) return value
        return typeof key === 'symbol' ? value.bind(handle) : expectingMember(key, value.bind(handle))
      }
      if (handle.has(key)) return handle.child(key)
      if (key === 'toJSON') return () => handle.toJSON()
      if (isReadByTools(key)) return valueForTools(key, target)
      const method = handle.scope.isList ? listMethod(key, () => handle.modules) : undefined
      if (method) return method
      const habit = otherLibrarysMember(handle, key)
      if (habit) throw habit
      return handle.child(key)
    },
    set(_, key, value) {
      if (key === 'output' || key === 'input') return Reflect.set(handle, key, value, handle)
      throw unassignable(handle, String(key))
    },
    has: (_, key) => typeof key === 'string' && (handle.members.has(key) || handle.has(key)),
    ownKeys: () => [...handle.scope.children.keys()].filter(key => key !== 'then'),
    getOwnPropertyDescriptor: (_, key) =>
      typeof key === 'string' && key !== 'then' && handle.scope.children.has(key)
        ? { configurable: true, enumerable: true, writable: false, value: handle.child(key) }
        : undefined,
    deleteProperty: () => false,
  })
  handles.set(proxy, handle)
  return proxy
}

export class ModuleHandle {
  /** Names of properties. A child with such a name is reached by child('…'). */
  get members(): ReadonlySet<string> {
    return reservedNames
  }

  /** Names of further properties. If a child has such a name, the property is the child. */
  get otherMembers(): ReadonlySet<string> {
    return otherMembers
  }

  get [copy](): Copy {
    return ownCopy
  }

  readonly binding: Binding
  readonly path: string

  constructor(binding: Binding, path: string) {
    this.binding = binding
    this.path = path
  }

  /** The module in the branches that the current trace's inputs chose. @throws OtherBranchError */
  get scope(): ModuleNode {
    return this.binding.module(this.path)
  }

  get output(): Tensor {
    return readActivation(this.binding, this.binding.taps.outputTap(this.scope))
  }

  set output(value: TensorLike) {
    writeActivation(this.binding, this.binding.taps.outputTap(this.scope), value)
  }

  get input(): Tensor {
    return readActivation(this.binding, this.binding.taps.inputTap(this.scope))
  }

  set input(value: TensorLike) {
    writeActivation(this.binding, this.binding.taps.inputTap(this.scope), value)
  }

  get outputs(): Taps {
    return tapsProxy(this.binding, () => this.binding.taps.outputTaps(this.scope))
  }

  get inputs(): Taps {
    return tapsProxy(this.binding, () => this.binding.taps.inputTaps(this.scope))
  }

  get ops(): Operations {
    return operationsOf(this.binding, this.scope)
  }

  get heads(): Heads {
    return headsOf(this.binding, this.path)
  }

  get weights(): Taps {
    return valuesProxy(() => this.#weightPlaces())
  }

  /** Parameters by name. If an initializer has the name of a parameter that is made of it, the name means the parameter. */
  #weightPlaces(): ReadonlyMap<string, NamedPlace> {
    const { binding, scope } = this
    const places = new Map<string, NamedPlace>()
    for (const [name, parameter] of scope.parameters) {
      const label = `${this.path && `${this.path}.`}weights[${JSON.stringify(name)}]`
      places.set(name, {
        read: () => readParameter(binding, label, parameter),
        write: value => writeParameter(binding, label, parameter, value as TensorLike),
      })
    }
    for (const [name, initializer] of scope.weights)
      if (!places.has(name)) places.set(name, tapPlace(binding, binding.taps.tensorTap(initializer)))
    return places
  }

  /** Whether there is a child with this name. */
  has(name: string): boolean {
    return lookUp(this.scope, name) !== undefined
  }

  child(name: string): Module {
    return moduleProxy(this.binding, resolveChild(this.scope, name))
  }

  get modules(): Module[] {
    return [...this.scope.children.values()].map(child => moduleProxy(this.binding, child))
  }

  get length(): number {
    return this.scope.children.size
  }

  at(index: number): Module {
    return this.child(String(index < 0 ? index + this.length : index))
  }

  slice(start?: number, end?: number): Module[] {
    return this.modules.slice(start, end)
  }

  [Symbol.iterator](): Iterator<Module> {
    return this.modules[Symbol.iterator]()
  }

  /** Applies a copy of the module's nodes to another tensor. */
  apply(input: TensorLike): Tensor {
    const { taps } = this.binding
    const tracer = this.binding.tracer(this.path || 'the model')
    const [from, to] = [taps.inputTap(this.scope), taps.outputTap(this.scope)]
    const operand = toTensor(input, { type: tracer.shapeOf(from.tensor)?.type })
    const result = tracer.shapeOf(to.tensor)
    const dims = appliedDims(operand.dims, tracer.shapeOf(from.tensor)?.dims, result?.dims)
    const application = new Application(this.path, from, to, stateOf(operand).value, tracer, tracer.mark())
    return newHandle(new Value(application, 0, result?.type ?? operand.type, dims), tracer)
  }

  toString(): string {
    return printModule(this.scope)
  }

  /** For JSON.stringify: the module's path and the model's name. */
  toJSON(): object {
    return { module: this.path, model: this.binding.modelName }
  }

  /** The module tree; inside another object, one line. */
  [INSPECT](depth?: number): string {
    // Node counts down from 2.
    const isInside = typeof depth === 'number' && depth < 2
    if (!isInside) return this.toString()
    return `[${this.path === '' ? `Model ${this.binding.modelName}` : `Module ${this.path}`}]`
  }
}

/** The dims of a module applied to an input, as far as they are known. For other dims than in the model, only the rank is known at most. */
function appliedDims(input: Dims, own: Dims | undefined, result: Dims | undefined): Dims | undefined {
  if (!own || !result) return undefined
  if (input.length === own.length && input.every((dim, i) => dim === own[i])) return result
  if (input.length === own.length) return result.map(() => undefined)
  return result.length === own.length ? input.map(() => undefined) : undefined
}

/** A value that can be read and written under a name. */
interface NamedPlace {
  readonly read: () => Tensor
  readonly write: (value: unknown) => void
}

const tapPlace = (binding: Binding, tap: Tap): NamedPlace => ({
  read: () => binding.read(tap),
  write: value => binding.write(tap, value),
})

/** `currentTaps` returns the taps in the branches that are chosen when the proxy is used. */
function tapsProxy(binding: Binding, currentTaps: () => ReadonlyMap<string, Tap>): Taps {
  return valuesProxy(() => new Map([...currentTaps()].map(([name, tap]) => [name, tapPlace(binding, tap)])))
}

function valuesProxy(currentPlaces: () => ReadonlyMap<string, NamedPlace>): Taps {
  const find = (name: string): NamedPlace => {
    const places = currentPlaces()
    const place = places.get(name)
    if (!place)
      throw new UnknownNameError(
        'value',
        name,
        nearestNames(name, places.keys()).concat([...places.keys()].slice(0, 8)),
      )
    return place
  }
  const target = {} as Taps
  Object.defineProperty(target, INSPECT, {
    value: () => `Values: ${[...currentPlaces().keys()].join(', ')}`,
    configurable: true,
  })
  return new Proxy(target, {
    get: (_, key) => {
      if (typeof key === 'symbol' || key === 'then') return undefined
      if ((key === 'toJSON' || isReadByTools(key)) && !currentPlaces().has(key)) return valueForTools(key, target)
      return find(key).read()
    },
    set: (_, key, value) => {
      find(String(key)).write(value)
      return true
    },
    has: (_, key) => typeof key === 'string' && currentPlaces().has(key),
    ownKeys: () => [...currentPlaces().keys()],
    getOwnPropertyDescriptor: (_, key) =>
      typeof key === 'string' && currentPlaces().has(key)
        ? { configurable: true, enumerable: true, writable: true, value: undefined }
        : undefined,
  })
}
