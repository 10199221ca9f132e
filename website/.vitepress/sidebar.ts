import type { DefaultTheme } from 'vitepress'

/** TypeDoc's list of the reference's pages. */
export interface Navigation {
  readonly title: string
  readonly path?: string
  readonly children?: readonly Navigation[]
}

type Item = DefaultTheme.SidebarItem

const page = (text: string, link: string): Item => ({ text, link })

const learn: Item = {
  text: 'Learn it',
  items: [
    page('Overview', '/readme'),
    page('Guide', '/guide'),
    page('Constructs', '/constructs'),
    page('Language models', '/language-models'),
    page('Generate', '/generation'),
    page('Template language', '/template'),
    page('Studies', '/studies'),
    page('Gradients', '/gradients'),
    page('Compare two models', '/compare'),
    page('Harvest activations', '/harvest'),
    page('Sweeps', '/sweep'),
    page('Serve models', '/serve'),
    page('Run a server', '/deploy'),
    page('Many machines', '/many-machines'),
    page('Attention heads', '/heads'),
    page('Names of TransformerLens and nnterp', '/names'),
    page('Attribution by gradients', '/attribution-by-gradients'),
    page('Attribution without gradients', '/attribution'),
    page('From nnsight', '/from-nnsight'),
    page('From TransformerLens', '/from-transformer-lens'),
  ],
}
const setUp: Item = {
  text: 'Set it up',
  items: [
    page('Get a model', '/get-a-model'),
    page('A TypeScript project', '/typescript'),
    page('Build tools', '/tools'),
    page('Versions that are tested', '/matrix'),
    page('In the browser', '/browser'),
    page('ESLint rules', '/eslint'),
    page('Types of modules', '/types'),
    page('Testing', '/testing'),
    page('Command line', '/command-line'),
    page('Console', '/console'),
  ],
}
const lookUp: Item = {
  text: 'Look it up',
  items: [
    page('Tensor operations', '/operations'),
    page('Errors', '/errors'),
    page('How a model runs', '/running'),
    page('Fused and quantised models', '/deployed-models'),
    page('Exporters and tools', '/exporters'),
    page('How close to PyTorch', '/parity'),
    page('Intervention graphs', '/intervention-graph'),
    page('Limits', '/limits'),
    page('Versions and changes', '/versions'),
    page('What changed, in pictures', '/what-changed'),
    page('Architecture', '/architecture'),
    page('Rooms', '/rooms'),
    page('Working on onnsight', '/contributing'),
    page('API reference', '/reference/'),
  ],
}

/** Sidebars: the documentation has its own pages; an entry of the reference has its symbols, and the other entries. */
export function sidebar(reference: readonly Navigation[]): DefaultTheme.SidebarMulti {
  const entries = reference.flatMap(root => [root, ...(root.children ?? []).filter(child => child.path)])
  const nameOf = (entry: Navigation): string => folderOf(entry).replace(/\/$/, '')
  const sidebarOf = (open?: Navigation): Item[] => [
    page('← Documentation', '/guide'),
    page('API reference', '/reference/'),
    ...entries.map(entry => ({
      text: nameOf(entry),
      link: linkOf(entry),
      ...(entry === open ? { items: groups(entry) } : {}),
    })),
  ]
  return {
    // The longest of these paths with which a page's path begins is used.
    ...Object.fromEntries(entries.map(entry => [`/reference/${folderOf(entry)}`, sidebarOf(entry)])),
    '/reference/': sidebarOf(),
    '/': [learn, setUp, lookUp],
  }
}

/** The symbols that users call by name. Types are left out, because there are many: the entry's own page lists them. */
function groups(entry: Navigation): Item[] {
  return (entry.children ?? [])
    .filter(({ path, title }) => !path && /Classes|Functions|Variables/.test(title))
    .flatMap(({ children = [] }) => children.map(symbol => page(symbol.title, linkOf(symbol))))
}

const linkOf = ({ path = '' }: Navigation): string => `/reference/${path.replace(/(index)?\.md$/, '')}`
const folderOf = ({ path = '' }: Navigation): string => path.replace(/index\.md$/, '')
