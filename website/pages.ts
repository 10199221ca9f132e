import { copyFileSync, cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Puts the README and docs/*.md into one folder, from which the site is built, with links that lead there. */
export function stagePages(folder: string): void {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  for (const name of readdirSync('docs').filter(file => file.endsWith('.md'))) {
    const text = readFileSync(join('docs', name), 'utf8').replaceAll('../README.md', 'readme.md')
    writeFileSync(join(folder, name), name === 'index.md' ? afterHead(text) : text)
  }
  // Pages at the top of the repository lie beside the others on the site.
  for (const name of ['README.md', 'CONTRIBUTING.md'])
    writeFileSync(join(folder, name.toLowerCase()), beside(readFileSync(name, 'utf8')))
  cpSync('docs/pictures', join(folder, 'pictures'), { recursive: true })
  mkdirSync(join(folder, 'public'))
  copyFileSync('website/icon.svg', join(folder, 'public/icon.svg'))
}

/** A page of the repository's top with links that lead from one page of the site to another. */
function beside(text: string): string {
  return text.replaceAll('](docs/', '](').replaceAll('](CONTRIBUTING.md', '](contributing.md')
}

/** The home page has its title and its first sentence in large letters already. */
function afterHead(text: string): string {
  const [, , ...paragraphs] = text.split('\n\n')
  return paragraphs.join('\n\n')
}
