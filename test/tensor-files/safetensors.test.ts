import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import fc from 'fast-check'
import { type OnnsightError, readSafetensors, Tensor, tensor, writeSafetensors } from 'onnsight'
import { parseSafetensors } from '../cases/safetensors.ts'

const folder = mkdtempSync(join(tmpdir(), 'onnsight-tensors-'))
test.after.always(() => rmSync(folder, { recursive: true }))

const types = ['float32', 'float64', 'int64', 'int32', 'int16', 'int8', 'uint8', 'bool'] as const
const one = fc
  .tuple(fc.constantFrom(...types), fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 3 }), fc.nat())
  .map(([type, dims, seed]) => {
    const size = dims.reduce((product, dim) => product * dim, 1)
    const data = Array.from({ length: size }, (_, i) => (type === 'bool' ? (seed + i) % 2 : ((seed + i * 7) % 100) + 1))
    return { type, dims, data }
  })

test('what is written is read, of every dtype and shape, by the tests’ own reader too', async t => {
  let file = 0
  await fc.assert(
    fc.asyncProperty(fc.dictionary(fc.string({ minLength: 1 }), one, { maxKeys: 5 }), async given => {
      const path = join(folder, `${file++}.safetensors`)
      const tensors = Object.fromEntries(
        Object.entries(given)
          .filter(([name]) => name !== '__metadata__' && name !== '__proto__')
          .map(([name, { type, dims, data }]) => [name, tensor(data as number[], { type, dims })]),
      )
      await writeSafetensors(path, tensors)
      const start = Number(readFileSync(path).readBigUInt64LE(0))
      t.is(start % 8, 0)
      for (const read of [await readSafetensors(path), Object.fromEntries(parseSafetensors(readFileSync(path)))]) {
        t.deepEqual(Object.keys(read).sort(), Object.keys(tensors).sort())
        for (const [name, { type, dims, data }] of Object.entries(tensors)) {
          t.deepEqual([read[name].type, [...read[name].dims]], [type, [...dims]])
          t.deepEqual(Array.from(read[name].data as Float32Array), Array.from(data as Float32Array))
        }
      }
    }),
    { numRuns: 60 },
  )
})

test('bfloat16 is read as float32, float16 as it is', async t => {
  const path = join(folder, 'brain.safetensors')
  const header = JSON.stringify({
    b: { dtype: 'BF16', shape: [2], data_offsets: [0, 4] },
    h: { dtype: 'F16', shape: [1], data_offsets: [4, 6] },
  })
  const bytes = Buffer.alloc(8 + header.length + 6)
  bytes.writeBigUInt64LE(BigInt(header.length))
  bytes.write(header, 8)
  bytes.writeUInt16LE(0x3f80, 8 + header.length)
  bytes.writeUInt16LE(0xc000, 10 + header.length)
  bytes.writeUInt16LE(0x3e00, 12 + header.length)
  writeFileSync(path, bytes)
  const { b, h } = await readSafetensors(path)
  t.deepEqual([b.type, Array.from(b.data as Float32Array)], ['float32', [1, -2]])
  t.deepEqual([h.type, Array.from(h.data as never as number[])], ['float16', [1.5]])
})

for (const [what, bytes] of [
  ['an empty file', Buffer.alloc(0)],
  ['a cut-off header', Buffer.from([200, 0, 0, 0, 0, 0, 0, 0, 123])],
  ['no JSON', Buffer.from([2, 0, 0, 0, 0, 0, 0, 0, 65, 65])],
  ['wrong offsets', withHeader('{"x":{"dtype":"F32","shape":[4],"data_offsets":[0,4]}}')],
  ['bytes beyond the end', withHeader('{"x":{"dtype":"F32","shape":[40],"data_offsets":[0,160]}}')],
  ['a huge shape', withHeader('{"x":{"dtype":"F32","shape":[1e300],"data_offsets":[0,4]}}')],
  ['a shape beyond memory', withHeader('{"x":{"dtype":"F32","shape":[1000000000000],"data_offsets":[0,4]}}')],
  ['a negative dim', withHeader('{"x":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}')],
  ['an unknown dtype', withHeader('{"x":{"dtype":"Q4","shape":[1],"data_offsets":[0,4]}}')],
  ['entries that are none', withHeader('{"x":3}')],
] as const) {
  test(`${what} is refused`, async t => {
    const path = join(folder, `${what.replaceAll(' ', '-')}.safetensors`)
    writeFileSync(path, bytes)
    const error = (await t.throwsAsync(readSafetensors(path))) as OnnsightError
    t.is(error.code, 'invalid-tensors-file')
  })
}

function withHeader(header: string): Buffer {
  const bytes = Buffer.alloc(8 + header.length + 16)
  bytes.writeBigUInt64LE(BigInt(header.length))
  bytes.write(header, 8)
  return bytes
}

test('text can’t be written', async t => {
  const words = Tensor.of({ type: 'string', dims: [1], data: ['a'] })
  const error = (await t.throwsAsync(writeSafetensors(join(folder, 'words'), { words }))) as OnnsightError
  t.is(error.code, 'invalid-tensors-file')
})

test('what is no tensor is refused by name, with what to give', async t => {
  for (const given of [{ hidden: [1, 2] }, { hidden: null }, { hidden: new Map() }])
    await t.throwsAsync(writeSafetensors('never.safetensors', given as never), {
      message: /hidden is not a tensor\.\n.*give tensors by name/,
    })
})
