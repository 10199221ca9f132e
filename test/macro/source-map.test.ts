import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import test from 'ava'
import plugin from '#dist/macro/plugin.js'
import { babels } from './expand.ts'

const folder = fileURLToPath(new URL('./fixtures/', import.meta.url))
const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'

/** The segments of one generated line after another: [column, source, line, column], all absolute. */
function decode(mappings: string): number[][][] {
  const state = [0, 0, 0, 0, 0]
  return mappings.split(';').map(line => {
    state[0] = 0
    return line
      .split(',')
      .filter(segment => segment !== '')
      .map(segment => {
        let value = 0
        let shift = 0
        let field = 0
        for (const digit of segment) {
          const bits = DIGITS.indexOf(digit)
          value |= (bits & 31) << shift
          shift += 5
          if (bits & 32) continue
          state[field++] += value & 1 ? -(value >>> 1) : value >>> 1
          value = shift = 0
        }
        return state.slice(0, 4)
      })
  })
}

for (const version of [7, 8] as const) {
  for (const name of ['read.ts', 'control.ts', 'nested.js']) {
    test(`each line of a block maps to its own line: ${name}, Babel ${version}`, t => {
      const source = readFileSync(folder + name, 'utf8')
      const result = babels[version].transformSync(source, {
        filename: folder + name,
        configFile: false,
        babelrc: false,
        sourceMaps: true,
        parserOpts: { plugins: name.endsWith('.ts') ? ['typescript'] : [] },
        plugins: [plugin],
      })
      const segments = decode(result?.map?.mappings ?? '')
      const lines = (result?.code ?? '').split('\n')
      let marks = 0
      lines.forEach((text, at) => {
        const mark = /^\s*_block\d*\.at\((\d+), (\d+)\)/.exec(text)
        if (!mark) return
        marks++
        // The statement after a mark, and all that is in it, come from the place that the mark names.
        const start = segments[at + 1][0]
        t.deepEqual([start[2] + 1, start[3] + 1], [Number(mark[1]), Number(mark[2])], `${text}\n${lines[at + 1]}`)
      })
      t.true(marks >= 2)
      const original = source.split('\n')
      const output = lines.findIndex(text => /^[^"]*\.output[^"]*$/.test(text))
      const column = lines[output].indexOf('output')
      const found = segments[output].find(segment => segment[0] === column)
      t.true(original[found?.[2] ?? 0].slice(found?.[3]).startsWith('output'), lines[output])
    })
  }
}
