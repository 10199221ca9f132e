/* Pieces from which several patterns are made. */
import type { TextGraph, Weight } from '../text-graph.ts'

const HIDDEN: readonly (number | string)[] = [2, 3, 8]
export const scalars = {
  half: 0.5,
  one: 1,
  two: 2,
  three: 3,
  sqrt2: 1.4142135381698608,
  rsqrt2: 0.7071067690849304,
  cubic: 0.044714998453855515,
  root: 0.7978845834732056,
  quick: 1.7020000219345093,
  eps: 9.999999747378752e-6,
  zero: 0,
} satisfies Record<string, Weight>
export const last: Weight = ['i64', [1], [-1]]
export const v8 = (): Weight => ['f32', [8]]
export const m88 = (): Weight => ['f32', [8, 8]]

export const tanhGelu = (x: string, y: string): string => `
  ${y}1 = Pow(${x}, three)
  ${y}2 = Mul(${y}1, cubic)
  ${y}3 = Add(${x}, ${y}2)
  ${y}4 = Mul(${y}3, root)
  ${y}5 = Tanh(${y}4)
  ${y}6 = Add(${y}5, one)
  ${y}7 = Mul(${x}, half)
  ${y} = Mul(${y}7, ${y}6)`
export const norm = (x: string, y: string): string => `
  ${y}1 = ReduceMean(${x}; axes=[-1])
  ${y}2 = Sub(${x}, ${y}1)
  ${y}3 = Pow(${y}2, two)
  ${y}4 = ReduceMean(${y}3; axes=[-1])
  ${y}5 = Add(${y}4, eps)
  ${y}6 = Sqrt(${y}5)
  ${y}7 = Div(${y}2, ${y}6)
  ${y}8 = Mul(${y}7, gamma)
  ${y} = Add(${y}8, beta)`
export const rms = (x: string, y: string): string => `
  ${y}1 = Pow(${x}, two)
  ${y}2 = ReduceMean(${y}1; axes=[-1])
  ${y}3 = Add(${y}2, eps)
  ${y}4 = Sqrt(${y}3)
  ${y}5 = Div(${x}, ${y}4)
  ${y} = Mul(${y}5, gamma)`
export const normWeights = { ...scalars, gamma: v8(), beta: v8(), bias: v8(), w: m88(), w2: m88() }

export const hidden = (name: string, nodes: string, more: Partial<TextGraph> = {}): TextGraph => ({
  name,
  inputs: { x: HIDDEN },
  weights: normWeights,
  nodes,
  ...more,
})
export const image = (name: string, nodes: string, more: Partial<TextGraph> = {}): TextGraph => ({
  name,
  inputs: { x: [1, 16, 6, 6] },
  nodes,
  weights: {
    k: ['f32', [16, 16, 3, 3]],
    k2: ['f32', [16, 16, 3, 3]],
    b: ['f32', [16]],
    scale: ['f32', [16]],
    shift: ['f32', [16]],
    mean: ['f32', [16]],
    variance: ['f32', [16], Array.from({ length: 16 }, (_, i) => 0.5 + i / 9)],
    each: ['f32', [1, 16, 1, 1]],
    low: 0,
    high: 6,
    pads: ['i64', [8], [0, 0, 1, 1, 0, 0, 1, 1]],
  },
  ...more,
})
export const Q = {
  s: 0.05,
  z: ['u8', [], [128]] as Weight,
  zi: ['i8', [], [0]] as Weight,
  s2: 0.1,
  z2: ['u8', [], [120]] as Weight,
}
