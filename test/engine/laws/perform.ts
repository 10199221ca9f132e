import { cat, type Model, type Module, skip, type Tensor, tensor, where } from 'onnsight'
import { isList, type Part } from './array.ts'
import { steeringData } from './evaluate.ts'
import type { Operand, Statement } from './program.ts'

const unary: Readonly<Record<string, (x: Tensor, width: number) => Tensor>> = {
  tanh: x => x.tanh(),
  neg: x => x.neg(),
  sigmoid: x => x.sigmoid(),
  relu: x => x.relu(),
  abs: x => x.abs(),
  half: x => x.mul(0.5),
  more: x => x.add(0.75),
  softmax: x => x.softmax(-1),
  steered: (x, width) => x.add(tensor(steeringData(width))),
  turned: x => cat([x.slice(':, 1:'), x.slice(':, :1')], 1),
  mixed: (x, width) => x.matmul(x.transpose(1, 2)).div(width).softmax(-1).matmul(x),
  mean0: x => x.mean(0, { keepdim: true }),
  mean1: x => x.mean(1, { keepdim: true }),
  mean2: x => x.mean(2, { keepdim: true }),
  mean3: x => x.mean(3, { keepdim: true }),
}

const binary: Readonly<Record<string, (x: Tensor, y: Tensor) => Tensor>> = {
  add: (x, y) => x.add(y),
  sub: (x, y) => x.sub(y),
  maximum: (x, y) => x.maximum(y),
  chosen: (x, y) => where(x.gt(y), x, y),
  mul: (x, y) => x.mul(y.tanh()),
}

const textOf = (parts: readonly Part[]): string =>
  parts
    .map(part =>
      isList(part)
        ? JSON.stringify(part)
        : typeof part === 'number'
          ? String(part)
          : `${part.start ?? ''}:${part.stop ?? ''}:${part.step ?? ''}`,
    )
    .join(', ')

/** The object at a place: a module, or an operation in one. */
function at(model: Model, place: string): Record<string, Tensor> {
  const [module, weight] = place.split('.weights.')
  if (weight) return model.module(module).weights
  return sidesAt(model, place) as unknown as Record<string, Tensor>
}

function sidesAt(model: Model, place: string): { input: Tensor; output: Tensor } {
  const [, path, op] = /^(?:(.*?)\.)?(?:ops\.(\w+)\[(?:\d+)\]\.)?(?:in|out)put$/.exec(place)!
  const module: Module = path ? model.module(path) : model
  if (!op) return module
  return module.ops[op][Number(/\[(\d+)\]/.exec(place)![1])] as unknown as { input: Tensor; output: Tensor }
}

const sideOf = (place: string): string => place.slice(place.lastIndexOf('.') + 1)

/** Performs one statement on a model, in a block. */
export function perform(model: Model, statement: Statement, values: Map<number, Tensor>): void {
  const get = (value: number): Tensor => values.get(value)!
  const operand = (given: Operand): number | Float32Array | Tensor => {
    if (typeof given === 'number') return given
    if ('vector' in given) return steeringData(given.vector)
    return given.parts ? get(given.value).slice(textOf(given.parts)) : get(given.value)
  }
  switch (statement.kind) {
    case 'read':
      values.set(statement.to, at(model, statement.place)[sideOf(statement.place)])
      return
    case 'unary':
      values.set(statement.to, unary[statement.name](get(statement.of), statement.width!))
      return
    case 'binary':
      values.set(statement.to, binary[statement.name](get(statement.of[0]), get(statement.of[1])))
      return
    case 'slice':
      values.set(statement.to, get(statement.of).slice(textOf(statement.parts)))
      return
    case 'apply': {
      const path = statement.module === 'lm_head' ? 'lm_head' : `transformer.${statement.module}`
      values.set(statement.to, model.module(path)(get(statement.of)))
      return
    }
    case 'write':
      at(model, statement.place)[sideOf(statement.place)] = operand(statement.value) as Tensor
      return
    case 'set':
      at(model, statement.place)[sideOf(statement.place)].set(textOf(statement.parts), operand(statement.value))
      return
    case 'skip':
      if (statement.value === undefined) skip(model.module(statement.module))
      else skip(model.module(statement.module), operand(statement.value))
  }
}
