import test from 'ava'
import { RuleTester as Tester10 } from 'eslint'
import plugin from 'onnsight/eslint'
import typescript from 'typescript-parser'

/* Runs ESLint's own RuleTester under AVA with both parsers, and in `npm run test:long` with the older of the supported versions of ESLint. */

type RuleTester = typeof Tester10
const testers: Record<string, RuleTester> = process.env.ONNSIGHT_MANY
  ? { 9: (await import('eslint-9')).RuleTester as unknown as RuleTester }
  : { 10: Tester10 }

export type RuleName = keyof typeof plugin.rules

export interface Case {
  readonly name: string
  readonly code: string
  /** Whether the code is TypeScript, which the JavaScript parser can't read. */
  readonly typed?: boolean
  readonly sourceType?: 'module' | 'commonjs'
  readonly options?: readonly unknown[]
}

export interface InvalidCase extends Case {
  /** The reports in their order: `messageId:line`. */
  readonly errors: readonly string[]
  /** The code after applying the suggestion, which is the same for each report. */
  readonly fixed?: string
}

for (const [version, Tester] of Object.entries(testers)) {
  let path: string[] = []
  Tester.describe = (title: string, body: () => void) => {
    path.push(title)
    body()
    path = path.slice(0, -1)
  }
  Tester.it = (title: string, body: () => void) => {
    test(`ESLint ${version}, ${path.join(', ')}: ${title}`, t => {
      body()
      t.pass()
    })
  }
  Tester.itOnly = Tester.it
}

export function runRule(name: RuleName, valid: readonly Case[], invalid: readonly InvalidCase[], head = ''): void {
  const lines = head.split('\n').length - 1
  const hasSuggestions = plugin.rules[name].meta?.hasSuggestions === true
  for (const Tester of Object.values(testers)) {
    for (const [label, parser] of [
      ['JavaScript', undefined],
      ['TypeScript', typescript],
    ] as const) {
      const whole = ({ name: title, code, sourceType = 'module', options = [] }: Case) => ({
        name: title,
        code: head + code,
        options: options as never[],
        languageOptions: { sourceType },
      })
      const readable = <C extends Case>(cases: readonly C[]) => cases.filter(({ typed }) => !typed || parser)
      new Tester({ languageOptions: parser ? { parser } : {} }).run(`${name} in ${label}`, plugin.rules[name], {
        valid: readable(valid).map(whole),
        invalid: readable(invalid).map(testCase => ({
          ...whole(testCase),
          errors: testCase.errors.map(error => {
            const [messageId, line] = error.split(':')
            const suggestions =
              testCase.fixed === undefined ? 1 : [{ messageId: 'save', output: head + testCase.fixed }]
            return { messageId, line: Number(line) + lines, ...(hasSuggestions ? { suggestions } : {}) }
          }) as never[],
        })),
      })
    }
  }
}
