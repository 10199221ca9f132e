import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { slug } from './.vitepress/slug.ts'

interface Group {
  readonly title: string
  /** The methods, in the order of the table. */
  readonly methods: readonly string[]
}

/** The groups of docs/operations.md, a table each. */
export function groupsOf(operations: string): Group[] {
  return operations
    .split(/^## /m)
    .slice(1)
    .map(section => {
      const [title, ...lines] = section.split('\n')
      const named = lines.flatMap(line => [...line.matchAll(/^\| `(\w+)\(/g)].map(([, name]) => name))
      return { title, methods: named }
    })
}

/** Moves the methods of a tensor, of which there are 150, from its page of the reference to one page for each group of operations. */
export function splitTensorPage(folder: string, operations: string): void {
  const path = join(folder, 'onnsight/classes/Tensor.md')
  const [head, methods] = readFileSync(path, 'utf8').split(/^## Methods\n/m)
  const sections = new Map<string, string>()
  for (const section of methods.split(/\n\*\*\*\n/)) {
    const name = /^### (\S+)\(\)/m.exec(section)?.[1]
    if (name === undefined) throw new Error(`The page of Tensor has a method without a name: ${section.slice(0, 80)}`)
    sections.set(name, section.trim())
  }
  const index: string[] = []
  for (const { title, methods: listed } of groupsOf(operations)) {
    const own = listed.filter(name => sections.has(name))
    if (own.length === 0) continue
    const file = `Tensor/${slug(title)}.md`
    // The groups are pages, so that headings are one step higher there.
    const text = own.map(name => sections.get(name)!.replace(/^#(?=##)/gm, '')).join('\n\n***\n\n')
    write(
      join(dirname(path), file),
      // The page is one folder further down.
      `# Tensor: ${lowerFirst(title)}\n\nMethods of [\`Tensor\`](../Tensor.md).\n\n${text.replaceAll('](../', '](../../')}\n`,
    )
    index.push(`| [${title}](${file}) | ${own.map(name => `[\`${name}\`](${file}#${name.toLowerCase()})`).join(' ')} |`)
    for (const name of own) sections.delete(name)
  }
  const rest = [...sections.values()].join('\n\n***\n\n')
  const table = `| group | methods |\n| ------ | ------ |\n${index.join('\n')}\n`
  const at = head.indexOf('## Properties\n')
  write(path, `${head.slice(0, at)}## Methods\n\n${table}\n${head.slice(at)}## Other methods\n\n${rest}\n`)
}

const lowerFirst = (text: string): string => `${text[0].toLowerCase()}${text.slice(1)}`

function write(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, text)
}
