import { reservedNames } from '../../runtime/names/reserved.ts'

/** The language in which code is written. */
export type Language = 'typescript' | 'template'

/** The code for a module: `model.transformer.h[1]` in TypeScript, `transformer.h[1]` in a template. */
export function moduleIn(language: Language, path: string): string {
  if (path === '') return 'model'
  const [first, ...rest] = path.split('.')
  const start = language === 'template' && isWord(first) ? first : `model${partIn(first, false)}`
  return start + rest.map(part => partIn(part, true)).join('')
}

function partIn(part: string, isInner: boolean): string {
  if (isInner && /^(?:0|[1-9]\d*)$/.test(part)) return `[${part}]`
  return isWord(part) ? `.${part}` : `.child(${JSON.stringify(part)})`
}

/** Whether a name can follow a dot and is not a member of onnsight’s own. */
const isWord = (part: string): boolean => /^[\p{L}_][\p{L}\p{N}_]*$/u.test(part) && !reservedNames.has(part)

/** The code for a value of a node: its output, if no other is named. */
export const nodeIn = (language: Language, name: string, value = 'output'): string =>
  `${language === 'typescript' ? 'model.' : ''}node(${JSON.stringify(name)}).${value}`

/** The code for a value of the graph, such as a weight. */
export const tensorIn = (language: Language, name: string): string =>
  `${language === 'typescript' ? 'model.' : ''}tensor(${JSON.stringify(name)})`
