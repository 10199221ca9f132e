import { createNodeResolver, importX } from 'eslint-plugin-import-x'
import typescript from 'typescript-parser'
import { names, rooms, root, tops } from './rooms.js'

/** Returns patterns for the files of a room, relative to the root, without those of the rooms inside it. */
function filesOf(room) {
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
