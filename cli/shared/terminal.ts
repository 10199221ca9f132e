import { inspect } from 'node:util'

/** What decides how a text for people is shown: stdout, or another stream in tests. */
export interface Terminal {
  readonly isTTY?: boolean
  readonly columns?: number
  hasColors?(): boolean
}

/** Functions that set off parts of a text. Without a terminal, or where NO_COLOR is set, they change nothing. */
export interface Styles {
  bold(text: string): string
  dim(text: string): string
}

export function stylesOf(terminal: Terminal): Styles {
  const isColoured = terminal.isTTY === true && terminal.hasColors?.() === true
  const style = (name: 'bold' | 'dim') => {
    const [on, off] = inspect.colors[name]!
    return (text: string): string => (isColoured ? `\u001b[${on}m${text}\u001b[${off}m` : text)
  }
  return { bold: style('bold'), dim: style('dim') }
}

/**
 * Breaks lines that are wider than the terminal, and continues them with a deeper indent. A line is broken after a separator, `·`
 * or a comma, or else at a space; within brackets, such as those of dims, only if nothing else is left. Without a terminal lines stay whole, so that programs can read them.
 */
export function fitLines(text: string, { isTTY, columns }: Terminal): string {
  if (!isTTY || !columns) return text
  return text
    .split('\n')
    .flatMap(line => brokenLine(line, columns))
    .join('\n')
}

/** Where a line can be broken so that its first part fits. */
function breakOf(line: string, start: number, width: number): number | undefined {
  const isWithin = (at: number): boolean => line.lastIndexOf('[', at) > line.lastIndexOf(']', at)
  const last = (mark: string, isFit: (at: number) => boolean): number => {
    let at = line.lastIndexOf(mark, width - mark.length + 1)
    while (at > start && !isFit(at)) at = line.lastIndexOf(mark, at - 1)
    return at
  }
  return [...MARKS.map(mark => last(mark, at => !isWithin(at))), ...MARKS.map(mark => last(mark, () => true))].find(
    at => at > start,
  )
}

const MARKS = [' · ', ', ', ' ']

function brokenLine(line: string, width: number): string[] {
  const lines: string[] = []
  const indent = `${/^ */.exec(line)![0]}    `
  let rest = line
  while (rest.length > width) {
    const start = rest.search(/\S/) + 1
    const at = breakOf(rest, start, width)
    if (at === undefined) break
    const isComma = rest[at] === ','
    lines.push(rest.slice(0, isComma ? at + 1 : at).trimEnd())
    const after = indent + rest.slice(at + 1).trimStart()
    if (after.length >= rest.length) {
      rest = after
      break
    }
    rest = after
  }
  return [...lines, rest]
}
