import { statSync } from 'node:fs'
import { resolve } from 'node:path'
import { createNodeResolver, importX } from 'eslint-plugin-import-x'
import typescript from 'typescript-parser'
import { rooms } from './rooms.js'

const root = resolve(import.meta.dirname, '../..')
const names = Object.keys(rooms)
const tops = [...new Set(names.map(name => name.split('/')[0]))]

/** The files of a room, as patterns below the root: without those of the rooms inside it. */
function filesOf(room) {
  // An exception must be a pattern, of one file too.
  if (statSync(resolve(root, room)).isFile()) return [room.replace('.ts', '.@(ts)')]
  const inside = names
    .filter(name => name.startsWith(`${room}/`))
    .map(name => name.slice(room.length + 1).split('/')[0])
  const own = inside.length > 0 ? `!(${[...new Set(inside)].join('|')})` : '*'
  return [`${room}/${own}`, `${room}/${own}/**`]
}

const absolute = room => filesOf(room).map(pattern => `${root}/${pattern}`)

/** One room may import itself, and the rooms that stand in its list. */
const zoneOf = ([room, { imports }]) => ({
  target: filesOf(room),
  from: `${root}/{${tops.join(',')}}/**`,
  except: [room, ...imports].flatMap(absolute),
  message: `The room ${room} may import ${imports.join(', ') || 'no other room'}: see packaging/rooms/rooms.js.`,
})

export default [
  {
    files: tops.map(top => `${top}/**/*.{ts,tsx,cts}`),
    languageOptions: { parser: typescript, parserOptions: { ecmaFeatures: { jsx: true } } },
    plugins: { 'import-x': importX },
    linterOptions: { reportUnusedDisableDirectives: 'off' },
    settings: { 'import-x/resolver-next': [createNodeResolver({ extensions: ['.ts', '.tsx', '.cts'] })] },
    rules: {
      'import-x/no-restricted-paths': ['error', { basePath: root, zones: Object.entries(rooms).map(zoneOf) }],
    },
  },
  {
    files: ['runtime/**'],
    ignores: ['runtime/engine/providers/**'],
    rules: {
      'no-restricted-imports': [
        'error',
        { patterns: [{ regex: '^onnxruntime-', message: 'Only runtime/engine/providers imports onnxruntime.' }] },
      ],
    },
  },
]
