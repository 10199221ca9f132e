import { readdirSync, readFileSync } from 'node:fs'
import test from 'ava'

const rooms = [
  'language',
  'macro',
  'eslint',
  'runtime',
  'testing',
  'study',
  'compare',
  'serve',
  'view',
  'cli',
  'packaging',
  'exporters',
  'test',
]
const files = rooms.flatMap(room =>
  readdirSync(room, { recursive: true, encoding: 'utf8', withFileTypes: true }).map(
    entry => `/${entry.parentPath}/${entry.name}${entry.isDirectory() ? '/' : ''}`,
  ),
)

for (const page of ['CONTRIBUTING.md', 'docs/architecture.md'])
  test(`${page} names files and folders that are there`, t => {
    const named = [...readFileSync(page, 'utf8').matchAll(/`((?:[\w.-]+\/)*(?:[\w-]+\.tsx?|[\w-]+\/))`/g)].map(
      ([, path]) => path,
    )
    t.true(named.length > 20)
    const missing = named.filter(
      path => !rooms.includes(path.slice(0, -1)) && !files.some(file => file.endsWith(`/${path}`)),
    )
    t.deepEqual(missing, [])
  })
