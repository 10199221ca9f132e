// `npm run rooms:draw` writes docs/rooms.md and its picture from what the files import. With --check it compares the page with the files instead.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import typescript from 'typescript-parser'
import { names, rooms, root, tops } from './rooms.js'

/** Returns the room of a file, the innermost one if rooms are nested. */
const roomOf = file => names.filter(name => file.startsWith(`${name}/`)).sort((a, b) => b.length - a.length)[0]

const files = tops
  .flatMap(top => readdirSync(join(root, top), { recursive: true, encoding: 'utf8' }).map(file => join(top, file)))
  .filter(file => /(?<!\.d)\.(ts|tsx|cts)$/.test(file))
  .sort()

/** Returns the files that a file imports, including imports of types. */
function importsOf(file) {
  const { body } = typescript.parse(readFileSync(join(root, file), 'utf8'), {
    jsx: file.endsWith('.tsx'),
    range: false,
  })
  return body
    .map(statement => statement.source?.value)
    .filter(from => from?.startsWith('.'))
    .map(from => relative(root, resolve(root, dirname(file), from)))
}

const found = new Map(names.map(name => [name, new Set()]))
for (const file of files) {
  const room = roomOf(file)
  for (const imported of importsOf(file)) {
    const other = roomOf(imported)
    if (other && other !== room) found.get(room).add(other)
  }
}

const reachedFrom = new Map()

/** Returns all rooms that a room reaches through its imports. Each is walked once: there are too many ways through the rooms for more. */
function reached(name) {
  const known = reachedFrom.get(name)
  if (known) return known
  const all = new Set([...found.get(name)].flatMap(other => [other, ...reached(other)]))
  reachedFrom.set(name, all)
  return all
}

/** Returns the imports of a room that it does not also reach through another room. A picture with all imports would be unreadable. */
function directly(name) {
  const imports = found.get(name)
  return [...imports].filter(other => ![...imports].some(between => reached(between).has(other)))
}

async function picture() {
  // Only the picture needs this module. The check draws none.
  const { instance } = await import('@viz-js/viz')
  const viz = await instance()
  const label = name => name.replace(/^runtime\//, '')
  const nodes = names.map(name => `"${name}" [label="${label(name)}"]`)
  const edges = names.flatMap(name => directly(name).map(other => `"${name}" -> "${other}"`))
  const style = 'rankdir=TB nodesep=0.2 ranksep=0.45 bgcolor=white'
  const box = 'shape=box style="rounded,filled" fillcolor="#eef3fb" color="#6b84b5" fontname="Helvetica" fontsize=11'
  return viz.renderString(
    `digraph { ${style}; node [${box}]; edge [color="#8a94a6" arrowsize=0.6]; ${[...nodes, ...edges].join('; ')} }`,
    {
      format: 'svg',
    },
  )
}

function page() {
  const rows = names.map(name => {
    const imports = found.get(name)
    const others = names.filter(other => imports.has(other)).map(other => `\`${other}\``)
    return `| \`${name}\` | ${rooms[name].job} | ${others.join(', ')} |`
  })
  return `# Rooms

A person who looks for the place of a change finds it here: each room is a folder with one job, and imports rooms above it in this table
alone. \`packaging/rooms/rooms.js\` says which room may import which, and \`npm run check\` fails for any other import. This page is
made from the code by \`npm run rooms:draw\`.

![Rooms, and what they import](pictures/rooms.svg)

An arrow leads to a room that is imported. Where a room also comes by way of another, the picture leaves the arrow out; the table has them
all. Rooms without a folder before their names are in \`runtime/\`.

| room | job | imports |
| --- | --- | --- |
${rows.join('\n')}
`
}

const target = join(root, 'docs/rooms.md')
if (process.argv.includes('--check')) {
  if (readFileSync(target, 'utf8') !== page()) {
    console.error('docs/rooms.md is not as the code is: run `npm run rooms:draw`.')
    process.exitCode = 1
  }
} else {
  writeFileSync(target, page())
  writeFileSync(join(root, 'docs/pictures/rooms.svg'), await picture())
}
