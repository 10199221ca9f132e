import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import fc from 'fast-check'
import { type OnnsightError, Tensor } from 'onnsight'
import { stateOf } from '#dist/runtime/tensor/tensor.js'
import { npyParts, readNpy } from '#dist/runtime/tensor-files/npy.js'

const folder = mkdtempSync(join(tmpdir(), 'onnsight-npy-'))
test.after.always(() => rmSync(folder, { recursive: true }))

const reference = 'test/fixtures/npy'
const expected = JSON.parse(readFileSync(`${reference}/expected.json`, 'utf8')) as Record<
  string,
  { dims: number[]; data: unknown }
>

let files = 0
function write(bytes: Uint8Array): string {
  const path = join(folder, `${files++}.npy`)
  writeFileSync(path, bytes)
  return path
}

const bytesOf = (tensor: Tensor): Buffer => Buffer.concat(npyParts('x.npy', tensor))

/** Converts values to the reference's form, in which those that JSON lacks are text. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain)
  const isPlain = typeof value !== 'bigint' && !(typeof value === 'number' && !Number.isFinite(value))
  return isPlain ? value : String(value)
}

for (const [name, { dims, data }] of Object.entries(expected)) {
  test(`numpy’s ${name} is read, and what is written is numpy’s own file`, async t => {
    const tensor = await readNpy(`${reference}/${name}.npy`)
    t.deepEqual([...tensor.dims], dims)
    t.deepEqual(plain(tensor.tolist()), data)
    const isOrdinary = !/fortran|endian|version/.test(name)
    if (isOrdinary) t.deepEqual(bytesOf(tensor), readFileSync(`${reference}/${name}.npy`))
    else t.deepEqual(plain((await readNpy(write(bytesOf(tensor)))).tolist()), data)
  })
}

const arrays = {
  float32: fc.float32Array({ maxLength: 24 }),
  float64: fc.float64Array({ maxLength: 24 }),
  float16: fc.uint16Array({ maxLength: 24 }),
  int64: fc.bigInt64Array({ maxLength: 24 }),
  uint64: fc.bigUint64Array({ maxLength: 24 }),
  int32: fc.int32Array({ maxLength: 24 }),
  uint8: fc.uint8Array({ maxLength: 24 }),
  int8: fc.int8Array({ maxLength: 24 }),
  bool: fc.uint8Array({ maxLength: 24, max: 1 }),
  string: fc.array(
    fc.string({ unit: 'binary' }).filter(text => !text.endsWith('\0')),
    { maxLength: 24 },
  ),
}

/** Dims with this number of elements. */
const dimsOf = (size: number): fc.Arbitrary<number[]> =>
  fc.constantFrom(
    [size],
    [1, size],
    [size, 1, 1],
    ...(size % 2 === 0 ? [[2, size / 2]] : []),
    ...(size % 6 === 0 ? [[3, 2, size / 6]] : []),
    ...(size === 1 ? [[]] : []),
  )

const tensors = fc.oneof(
  ...Object.entries(arrays).map(([type, array]) =>
    (array as fc.Arbitrary<Float32Array>).chain(data =>
      dimsOf(data.length).map(dims => Tensor.of({ type: type as 'float32', dims, data })),
    ),
  ),
)

test('any tensor comes back as it was', async t => {
  await fc.assert(
    fc.asyncProperty(tensors, async tensor => {
      const back = stateOf(await readNpy(write(bytesOf(tensor)))).data()
      t.deepEqual(back, { ...stateOf(tensor).data(), dims: [...stateOf(tensor).data().dims] })
    }),
    { numRuns: 300 },
  )
})

test('an array in column-major order is the same array', async t => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 4 }), async dims => {
      const size = dims.reduce((a, b) => a * b, 1)
      const rows = Tensor.of({ type: 'int32', dims, data: Int32Array.from({ length: size }, (_, i) => i) })
      // Each element is put at its column-major place by the definition: the first axis varies fastest.
      const columns = new Int32Array(size)
      for (let i = 0; i < size; i++) {
        let rest = i
        let at = 0
        for (let axis = dims.length - 1; axis >= 0; axis--) {
          at += (rest % dims[axis]) * dims.slice(0, axis).reduce((a, b) => a * b, 1)
          rest = Math.floor(rest / dims[axis])
        }
        columns[at] = i
      }
      const bytes = bytesOf(Tensor.of({ type: 'int32', dims, data: columns }))
      const header = bytes.indexOf("False, 'shape'")
      bytes.write('True , ', header)
      t.deepEqual((await readNpy(write(bytes))).tolist(), rows.tolist())
    }),
    { numRuns: 100 },
  )
})

const whole = bytesOf(Tensor.of({ type: 'float32', dims: [2, 3], data: new Float32Array(6) }))
const edited = (from: string, to: string): Buffer => {
  const bytes = Buffer.from(whole)
  bytes.write(to.padEnd(from.length), bytes.indexOf(from), 'latin1')
  return bytes
}
const version = Buffer.from(whole)
version[6] = 9

for (const [what, bytes, reason] of [
  ['an empty file', Buffer.alloc(0), /does not begin as one/],
  ['a wrong magic', Buffer.from(`PK${'x'.repeat(200)}`), /does not begin as one/],
  ['a later version', version, /version 9/],
  ['a cut-off start', whole.subarray(0, 9), /does not begin as one/],
  ['a cut-off header', whole.subarray(0, 40), /cut off in its header/],
  ['cut-off elements', whole.subarray(0, whole.length - 1), /do not go together/],
  ['more bytes than elements', Buffer.concat([whole, Buffer.alloc(4)]), /do not go together/],
  ['a huge shape', edited('(2, 3), }', '(2,99999)'), /not that of an array|do not go together/],
  ['a shape beyond memory', edited('(2, 3), }      ', '(99999999999,)}'), /do not go together/],
  ['a negative dim', edited('(2, 3)', '(-2,3)'), /not that of an array/],
  ['an expression for a dim', edited('(2, 3)', '(1+1,)'), /not that of an array/],
  ['a dtype that is none', edited('<f4', '<q4'), /dtype is <q4/],
  ['no dtype', edited("'descr'", "'desrc'"), /not that of an array/],
  ['brackets without end', header('('.repeat(60_000)), /not that of an array/],
  ['a dict of code', header("{'descr': __import__('os')}"), /not that of an array/],
  [
    'texts of no letters without end',
    header("{'descr': '<U0', 'fortran_order': False, 'shape': (99999999999,)}"),
    /do not go together/,
  ],
  [
    'a letter that is none',
    Buffer.concat([header("{'descr': '<U1', 'fortran_order': False, 'shape': (1,)}"), Buffer.alloc(4, 255)]),
    /not a character/,
  ],
] as const) {
  test(`${what} is refused`, async t => {
    const error = (await t.throwsAsync(readNpy(write(bytes)))) as OnnsightError
    t.is(error.code, 'invalid-tensors-file')
    t.regex(error.message, reason)
    t.regex(error.message, /\n {2}Do this: check the file; numpy\.save and/)
  })
}

for (const [name, reason] of [
  ['object', /dtype is \|O/],
  ['record', /records/],
  ['complex', /dtype is <c8/],
  ['dates', /not that of an array|dtype is <M8/],
] as const) {
  test(`numpy’s ${name} arrays are refused`, async t => {
    t.regex(((await t.throwsAsync(readNpy(`${reference}/${name}.npy`))) as Error).message, reason)
  })
}

function header(text: string): Buffer {
  const bytes = Buffer.alloc(12 + text.length)
  bytes.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 2, 0])
  bytes.writeUInt32LE(text.length, 8)
  bytes.write(text, 12)
  return bytes
}

test('a damaged file is refused, or read as some array; nothing else is thrown', async t => {
  await fc.assert(
    fc.asyncProperty(fc.nat(whole.length - 1), fc.nat(255), async (at, byte) => {
      const bytes = Buffer.from(whole)
      bytes[at] = byte
      try {
        const { dims } = await readNpy(write(bytes))
        t.true(dims.length >= 0)
      } catch (error) {
        t.is((error as OnnsightError).code, 'invalid-tensors-file', String(error))
      }
    }),
    { numRuns: 500 },
  )
})

test('a text that ends in a NUL is not written: it would come back without it', t => {
  const texts = Tensor.of({ type: 'string', dims: [1], data: ['a\0'] })
  t.regex(t.throws(() => npyParts('x.npy', texts)).message, /ends in a NUL/)
})

const python = '/usr/bin/python3'
const hasNumpy = spawnSync(python, ['-c', 'import numpy'], { stdio: 'ignore' }).status === 0
/** Tests that need NumPy. Without it they are skipped, and the reference files must do. */
const withNumpy = hasNumpy ? test : test.skip

withNumpy('numpy reads what is written', t => {
  const sample = fc.sample(tensors, { numRuns: 100, seed: 7 })
  const code = `import json, sys, numpy
for path in sys.argv[1:]:
    a = numpy.load(path)
    print(json.dumps([list(a.shape), a.dtype.str, [repr(x) for x in a.ravel().tolist()]]))`
  const said = execFileSync(python, ['-c', code, ...sample.map(tensor => write(bytesOf(tensor)))], { encoding: 'utf8' })
  const lines = said.trim().split('\n')
  t.is(lines.length, sample.length)
  for (const [i, tensor] of sample.entries()) {
    const [shape, descr, elements] = JSON.parse(lines[i]) as [number[], string, string[]]
    const { type, dims, data } = stateOf(tensor).data()
    t.deepEqual(shape, [...dims])
    if (type !== 'string') t.is(descr, dtypes[type as keyof typeof dtypes])
    if (type.includes('int')) t.deepEqual(elements, Array.from(data as BigInt64Array, String))
    else if (type === 'bool')
      t.deepEqual(
        elements,
        Array.from(data as Uint8Array, bit => (bit === 1 ? 'True' : 'False')),
      )
    else if (type === 'float32' || type === 'float64')
      t.deepEqual(elements.map(numberOf), Array.from(data as Float32Array))
    else t.is(elements.length, data.length)
  }
})

const dtypes = {
  float64: '<f8',
  float32: '<f4',
  float16: '<f2',
  int64: '<i8',
  uint64: '<u8',
  int32: '<i4',
  int8: '|i1',
  uint8: '|u1',
  bool: '|b1',
}

const numberOf = (text: string): number => Number(text.replace('nan', 'NaN').replace('inf', 'Infinity'))
