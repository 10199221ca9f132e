import { existsSync, readFileSync } from 'node:fs'
import { defineConfig, type UserConfig } from 'vitepress'
import { ebnf } from './ebnf.ts'
import { search } from './search.ts'
import { type Navigation, sidebar } from './sidebar.ts'
import { slug } from './slug.ts'
import { labelledTables } from './tables.ts'

type Plugin = Extract<NonNullable<NonNullable<UserConfig['vite']>['plugins']>[number], { name: string }>

const pages = 'website/.pages'
const navigation = `${pages}/reference/navigation.json`
const reference = existsSync(navigation) ? (JSON.parse(readFileSync(navigation, 'utf8')) as Navigation[]) : []

const { repository } = JSON.parse(readFileSync('package.json', 'utf8')) as {
  readonly repository?: { readonly url: string }
}

export default defineConfig({
  title: 'onnsight',
  description: 'Open any ONNX model from TypeScript, read what happens inside it, change it, and run it.',
  lang: 'en',
  srcDir: '.pages',
  transformHead: ({ siteData }) => [['link', { rel: 'icon', href: `${siteData.base}icon.svg`, type: 'image/svg+xml' }]],
  // The home page of the theme has no element that says what its main content is.
  transformHtml: html => html.replace('<div class="VPContent is-home"', '<div role="main" class="VPContent is-home"'),
  markdown: {
    theme: { light: 'github-light-high-contrast', dark: 'github-dark-high-contrast' },
    languages: [ebnf],
    anchor: { slugify: slug },
    toc: { slugify: slug },
    config: labelledTables,
  },
  // The index of the search is about as large as the texts.
  vite: {
    plugins: [wholeOnServer()],
    build: { chunkSizeWarningLimit: 2000 },
    // The model of the home page runs on WebAssembly alone: the file for WebGPU would only make the site larger.
    resolve: { alias: { 'onnxruntime-web/webgpu': 'onnxruntime-web/wasm' } },
  },
  transformPageData(page) {
    if (page.relativePath === 'index.md') Object.assign(page.frontmatter, home)
    if (page.relativePath.startsWith('reference/')) {
      const isFunction = page.relativePath.includes('/functions/')
      Object.assign(page.frontmatter, { pageClass: 'reference', outline: isFunction ? 2 : [2, 3] })
    }
  },
  themeConfig: {
    logo: '/icon.svg',
    search: { provider: 'local', options: search },
    nav: [
      { text: 'Guide', link: '/guide' },
      { text: 'Constructs', link: '/constructs' },
      { text: 'Reference', link: '/reference/', activeMatch: '^/reference/' },
      { text: 'Errors', link: '/errors' },
      // package.json says where the repository is, once it has a public address.
      ...(repository ? [{ text: 'Repository', link: repository.url.replace(/^git\+|\.git$/g, '') }] : []),
    ],
    sidebar: sidebar(reference),
    outline: [2, 3],
    externalLinkIcon: true,
  },
})

const home = {
  layout: 'home',
  hero: {
    name: 'onnsight',
    text: 'Look inside any ONNX model',
    tagline: 'Open it from TypeScript, read what happens inside, change it, and run it at onnxruntime’s speed.',
    actions: [
      { theme: 'brand', text: 'Guide', link: '/guide' },
      { theme: 'alt', text: 'From nnsight', link: '/from-nnsight' },
      { theme: 'alt', text: 'From TransformerLens', link: '/from-transformer-lens' },
    ],
  },
}

/** Switches tree shaking off for the server's half of the build, which only makes the HTML: it would take longer than it saves. */
function wholeOnServer(): Plugin {
  let isServer = false
  return {
    name: 'whole-on-server',
    configResolved({ build }) {
      isServer = Boolean(build.ssr)
    },
    options: options => (isServer ? { ...options, treeshake: false } : options),
  }
}
