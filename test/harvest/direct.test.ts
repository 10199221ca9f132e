import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import fc from 'fast-check'
import { pageMemory } from '#dist/harvest/store/page-memory.js'
import { BLOCK_BYTES, writeDirect } from '#dist/harvest/store/write-direct.js'

const folder = mkdtempSync(join(tmpdir(), 'onnsight-direct-'))
test.after.always(() => rmSync(folder, { recursive: true }))

/** Lengths near those at which something changes. */
const lengths = fc.oneof(
  fc.nat(3 * BLOCK_BYTES),
  fc
    .tuple(fc.constantFrom(1, 2, 255, 256, 257, 700), fc.integer({ min: -2, max: 2 }))
    .map(([blocks, more]) => blocks * BLOCK_BYTES + more),
)

test('a file that is written directly has the bytes of its parts', async t => {
  let [made, direct] = [0, 0]
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ length: lengths, isPage: fc.boolean(), gap: fc.constantFrom(0, 0, 0, 1, BLOCK_BYTES) }), {
        maxLength: 6,
      }),
      async found => {
        const memory = pageMemory(found.reduce((sum, { length, gap }) => sum + length + gap, 2 ** 20))
        let at = 0
        const parts = found.map(({ length, isPage, gap }, i) => {
          const part = isPage ? new Uint8Array(memory, at + gap, length) : new Uint8Array(length)
          if (isPage) at += gap + length
          for (let k = 0; k < length; k++) part[k] = (k * 31 + (k >> 8) + i * 7 + 1) % 251
          return part
        })
        const path = join(folder, `${made++}`)
        if (!(await writeDirect(path, parts))) return t.false(existsSync(path))
        direct++
        t.true(readFileSync(path).equals(Buffer.concat(parts)))
        rmSync(path)
      },
    ),
    { numRuns: 60 },
  )
  t.log(`${direct} of ${made} files were written directly.`)
})

test('a file that is there is not written over', async t => {
  const path = join(folder, 'there')
  const bytes = new Uint8Array(2 ** 20).fill(7)
  if (!(await writeDirect(path, [bytes]))) return t.pass('This file system has no direct writes.')
  await t.throwsAsync(writeDirect(path, [new Uint8Array(5)]), { code: 'EEXIST' })
  t.true(readFileSync(path).equals(Buffer.from(bytes)))
})

/** Runs a command in a mount namespace of its own, where `disk` is a file system without direct writes. */
const onRamfs = (disk: string, ...command: readonly string[]) =>
  spawnSync(
    'unshare',
    ['--map-root-user', '--mount', 'sh', '-c', 'mount -t ramfs ramfs "$0" && exec "$@"', disk, ...command],
    { encoding: 'utf8' },
  )

const mounting = onRamfs(folder, 'true').status === 0 ? test : test.skip

mounting(
  'where the file system has no direct writes, files are written all the same (skipped where no ramfs can be mounted)',
  t => {
    const disk = mkdtempSync(join(folder, 'ramfs-'))
    const program = `
    import { readdirSync, readFileSync } from 'node:fs'
    import { folderStore } from '#dist/harvest/store/folder.js'
    import { writeDirect } from '#dist/harvest/store/write-direct.js'
    const [, disk] = process.argv
    const parts = [new Uint8Array(2e6).fill(3), new Uint8Array(7).fill(4)]
    const isDirect = await writeDirect(disk + '/direct', parts)
    const left = readdirSync(disk)
    const store = await folderStore(disk)
    await store.put('shard', parts)
    const same = readFileSync(disk + '/shard').equals(Buffer.concat(parts))
    console.log(JSON.stringify({ isDirect, left, files: readdirSync(disk), same, hasLimit: (await store.free()) !== undefined }))`
    const { stdout, stderr } = onRamfs(disk, process.execPath, '--input-type=module', '-e', program, disk)
    t.notThrows(() => JSON.parse(stdout), stderr)
    t.deepEqual(JSON.parse(stdout), { isDirect: false, left: [], files: ['shard'], same: true, hasLimit: false })
  },
)
