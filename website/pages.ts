import { copyFileSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Copies the README and docs/*.md into one folder, from which the site is built, and adapts their links. */
export function stagePages(folder: string): void {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  for (const name of readdirSync('docs').filter(file => file.endsWith('.md'))) {
    const text = inBothSchemes(readFileSync(join('docs', name), 'utf8').replaceAll('../README.md', 'readme.md'))
    writeFileSync(join(folder, name), name === 'index.md' ? withLiveModel(afterHead(text)) : text)
  }
  // On the site, pages from the top of the repository are beside the others.
  for (const name of ['README.md', 'CONTRIBUTING.md'])
    writeFileSync(join(folder, name.toLowerCase()), inBothSchemes(beside(readFileSync(name, 'utf8'))))
  cpSync('docs/pictures', join(folder, 'pictures'), { recursive: true })
  mkdirSync(join(folder, 'public'))
  copyFileSync('website/icon.svg', join(folder, 'public/icon.svg'))
  mkdirSync(join(folder, 'public/live'))
  for (const name of ['chars.onnx', 'chars.vocab.json'])
    copyFileSync(join('examples/models', name), join(folder, 'public/live', name))
}

/** Puts the dark twin of a picture beside it, if there is one; the style shows one of both. */
function inBothSchemes(text: string): string {
  return text.replace(/(!\[[^\]]*\]\(pictures\/)([\w-]+)\.png\)/g, (image, start: string, name: string) =>
    existsSync(`docs/pictures/${name}-dark.png`) ? `${image}{.in-light} ${start}${name}-dark.png){.in-dark}` : image,
  )
}

/** A page from the repository's top, with links between pages of the site. */
function beside(text: string): string {
  return text.replaceAll('](docs/', '](').replaceAll('](CONTRIBUTING.md', '](contributing.md')
}

/** The home page with a model to try, under its first block of code. */
function withLiveModel(text: string): string {
  const end = text.indexOf('\n```\n') + '\n```\n'.length
  return `${text.slice(0, end)}\n<LiveModel />\n${text.slice(end)}`
}

/** The text without its title and first sentence, which the home page shows in large letters. */
function afterHead(text: string): string {
  const [, , ...paragraphs] = text.split('\n\n')
  return paragraphs.join('\n\n')
}
