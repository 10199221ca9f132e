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
  writeFileSync(join(folder, 'readme.md'), readFileSync('README.md', 'utf8').replaceAll('](docs/', ']('))
  cpSync('docs/pictures', join(folder, 'pictures'), { recursive: true })
  mkdirSync(join(folder, 'public'))
  copyFileSync('website/icon.svg', join(folder, 'public/icon.svg'))
}

/** The home page has its title and its first sentence in large letters already. */
function afterHead(text: string): string {
  const [, , ...paragraphs] = text.split('\n\n')
  return paragraphs.join('\n\n')
}
