import test from 'ava'
import fc from 'fast-check'
import { Tensor } from 'onnsight'

/** Dims of two operands of a product, each stored with its last two axes swapped, or not. */
interface Product {
  readonly left: readonly number[]
  readonly right: readonly number[]
  readonly swapLeft: boolean
  readonly swapRight: boolean
}

const size = fc.integer({ min: 1, max: 4 })

const product: fc.Arbitrary<Product> = fc
  .record({
    batch: fc.array(size, { maxLength: 2 }),
    rows: fc.option(size),
    inner: size,
    columns: fc.option(size),
    leftHasBatch: fc.boolean(),
    rightHasBatch: fc.boolean(),
    swapLeft: fc.boolean(),
    swapRight: fc.boolean(),
  })
  .map(({ batch, rows, inner, columns, leftHasBatch, rightHasBatch, swapLeft, swapRight }) => ({
    left: rows === null ? [inner] : [...(leftHasBatch ? batch : []), rows, inner],
    right: columns === null ? [inner] : [...(rightHasBatch ? batch : []), inner, columns],
    swapLeft: swapLeft && rows !== null,
    swapRight: swapRight && columns !== null,
  }))

const swapped = (dims: readonly number[]): number[] => [...dims.slice(0, -2), dims.at(-1)!, dims.at(-2)!]

/** A tensor of these dims; where `swap` is true, it is the transpose of one that is stored the other way round. */
function operand(dims: readonly number[], swap: boolean): Tensor {
  const stored = swap ? swapped(dims) : dims
  const data = Float32Array.from({ length: stored.reduce((a, b) => a * b, 1) }, (_, i) => ((i * 7) % 11) - 4)
  const tensor = Tensor.of({ type: 'float32', dims: stored, data })
  return swap ? tensor.transpose(-2, -1) : tensor
}

// onnxruntime fuses a transposition and a product into one node, which must not change what the product is.
test('a product of transposed operands is that of their values', async t => {
  await fc.assert(
    fc.asyncProperty(product, async ({ left, right, swapLeft, swapRight }) => {
      const [a, b] = [operand(left, swapLeft), operand(right, swapRight)]
      const fused = await a.matmul(b).value()
      const plain = await (await a.value()).matmul(await b.value()).value()
      t.deepEqual([...fused.dims], [...plain.dims])
      t.deepEqual(fused.data, plain.data)
    }),
    { numRuns: 150 },
  )
})

test('a transposed matrix times a vector', async t => {
  const matrix = Tensor.of({ type: 'float32', dims: [3, 4], data: Float32Array.from({ length: 12 }, (_, i) => i) })
  const value = await matrix.T.matmul([1, 2, 3]).value()
  t.deepEqual([...(value.data as Float32Array)], [32, 38, 44, 50])
})
