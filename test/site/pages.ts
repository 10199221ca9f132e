import { readdirSync, readFileSync } from 'node:fs'
import { posix } from 'node:path'

/** A page of the built site, without JavaScript. */
export interface BuiltPage {
  readonly anchors: ReadonlySet<string>
  readonly links: readonly string[]
}

const attribute = (html: string, name: string): string[] =>
  [...html.matchAll(new RegExp(`<[a-z][^>]*\\s${name}="([^"]*)"`, 'g'))].map(([, value]) =>
    value.replaceAll('&amp;', '&'),
  )

/** All pages in a folder, by their path in it. */
export function readPages(folder: string): ReadonlyMap<string, BuiltPage> {
  const paths = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(path => path.endsWith('.html'))
  return new Map(
    paths.map(path => {
      const html = readFileSync(`${folder}/${path}`, 'utf8')
      return [path, { anchors: new Set(attribute(html, 'id')), links: attribute(html, 'href') }]
    }),
  )
}

/** Links between pages whose targets do not exist, as `from → to`. */
export function deadLinks(pages: ReadonlyMap<string, BuiltPage>): string[] {
  const dead: string[] = []
  for (const [from, { links }] of pages) {
    for (const link of new Set(links)) {
      if (/^[a-z]+:/.test(link) || /\.(css|js|svg|woff2)$/.test(link)) continue
      const url = new URL(link, `http://site/${from}`)
      const path = posix.join('.', decodeURIComponent(url.pathname).slice(1))
      const page = pages.get(url.pathname.endsWith('/') ? posix.join(path, 'index.html') : path)
      const anchor = decodeURIComponent(url.hash.slice(1))
      if (!page || (anchor !== '' && !page.anchors.has(anchor))) dead.push(`${from} → ${link}`)
    }
  }
  return dead
}
