import {
  Application,
  Comment,
  Converter,
  DeclarationReflection,
  markdown,
  type ProjectReflection,
  ReferenceReflection,
  ReferenceType,
  type Reflection,
  SignatureReflection,
} from 'typedoc-with-typescript'

/** The entry points that can be imported: the file of declarations, and the purpose of each. */
const entries: Readonly<Record<string, readonly [declarations: string, purpose: string]>> = {
  onnsight: ['dist/runtime/index.d.ts', 'Models, tensors, and everything that works without a build'],
  'onnsight/trace.macro': [
    'trace.macro.d.ts',
    'What is expanded at build time: `trace`, `save`, `generate` and the rest',
  ],
  'onnsight/testing': ['dist/testing/index.d.ts', 'Comparing tensors, snapshots of them, matchers for Jest and Vitest'],
  'onnsight/compare': ['dist/compare/index.d.ts', 'Where two models part, and which module is to blame'],
  'onnsight/harvest': ['dist/harvest/index.d.ts', 'Activations of many documents, in shards'],
  'onnsight/sweep': ['dist/sweep/index.d.ts', 'An edit and a measure at many points, as a table'],
  'onnsight/serve': ['dist/serve/index.d.ts', 'A server for models: intervention graphs and generation over HTTP'],
  'onnsight/study': ['dist/study/index.d.ts', 'Studies of language models: lenses, attribution, patching'],
  'onnsight/eslint': ['dist/eslint/index.d.ts', 'Rules for ESLint'],
  'onnsight/vite': ['dist/macro/bundlers/vite.d.ts', 'The macro in Vite and Vitest'],
  'onnsight/rollup': ['dist/macro/bundlers/rollup.d.ts', 'The macro in Rollup'],
  'onnsight/rolldown': ['dist/macro/bundlers/rolldown.d.ts', 'The macro in Rolldown'],
  'onnsight/webpack': ['dist/macro/bundlers/webpack.d.ts', 'The macro in webpack'],
  'onnsight/rspack': ['dist/macro/bundlers/rspack.d.ts', 'The macro in Rspack'],
  'onnsight/esbuild': ['dist/macro/bundlers/esbuild.d.ts', 'The macro in esbuild'],
  'onnsight/next': ['dist/macro/bundlers/next.d.ts', 'The macro in Next.js'],
  'onnsight/loader': ['dist/macro/bundlers/webpack-loader.d.ts', 'The macro as a loader of webpack’s kind'],
  'onnsight/babel-plugin': ['dist/macro/plugin.d.ts', 'The macro as a plugin of Babel'],
  'onnsight/cell': ['dist/macro/cell.d.ts', 'The macro for notebooks and consoles'],
}

/** The entry points, by TypeDoc's name for their file. */
const importedAs = new Map(
  Object.entries(entries).map(([name, [file]]) => [file.replace(/(\/index)?\.d\.ts$/, ''), name]),
)

/** Writes a page for each public symbol, from the docstrings of the built declarations, and `navigation.json`. */
export async function writeReference(folder: string): Promise<void> {
  const app = await Application.bootstrapWithPlugins({
    entryPoints: Object.values(entries).map(([file]) => file),
    tsconfig: 'website/typedoc/tsconfig.json',
    plugin: [markdown],
    name: 'API reference',
    readme: 'none',
    router: 'member',
    out: folder,
    entryFileName: 'index',
    navigationJson: `${folder}/navigation.json`,
    hidePageHeader: true,
    hideBreadcrumbs: true,
    indexFormat: 'table',
    useCodeBlocks: true,
    expandObjects: true,
    parametersFormat: 'table',
    interfacePropertiesFormat: 'list',
    disableSources: true,
    excludePrivate: true,
    excludeInternal: true,
    excludeExternals: true,
    sortEntryPoints: false,
    sort: ['source-order'],
    expandParameters: true,
    validation: { notExported: false, invalidLink: true, notDocumented: false },
    treatWarningsAsErrors: true,
    logLevel: 'Warn',
  } as Parameters<typeof Application.bootstrapWithPlugins>[0])

  app.converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project }: { readonly project: ProjectReflection }) => {
    for (const reflection of Object.values(project.reflections)) tidy(project, reflection)
  })
  const project = await app.convert()
  if (!project) throw new Error('The reference could not be made: see the messages above.')
  app.validate(project)
  await app.generateOutputs(project)
  if (app.logger.hasErrors() || app.logger.hasWarnings()) throw new Error('The reference has warnings: see above.')
}

/** Names entries by what users import, and default exports `default`. Leaves out `this`, which every method of a tensor declares. */
function tidy(project: ProjectReflection, reflection: Reflection): void {
  if (reflection instanceof SignatureReflection)
    reflection.parameters = reflection.parameters?.filter(({ name }) => name !== 'this')
  for (const { content } of reflection.comment?.blockTags.filter(({ tag }) => tag === '@default') ?? [])
    for (const part of content) {
      const text = part.text.replace(/^```ts\n|\n```$/g, '')
      part.text = text.includes('`') ? text : `\`${text}\``
    }
  if (reflection instanceof DeclarationReflection) {
    // The interface from which a member is inherited is left out, because it is not public.
    reflection.inheritedFrom = undefined
    for (const signature of reflection.getAllSignatures()) signature.inheritedFrom = undefined
    reflection.extendedTypes = reflection.extendedTypes?.filter(
      type => !(type instanceof ReferenceType) || type.reflection,
    )
    if (reflection.extendedTypes?.length === 0) reflection.extendedTypes = undefined
  }
  if (reflection.parent === project) {
    reflection.name = importedAs.get(reflection.name) ?? reflection.name
    reflection.comment = new Comment([{ kind: 'text', text: entries[reflection.name][1] }])
  }
  if (reflection instanceof DeclarationReflection && reflection.name === 'module.exports') {
    const siblings = (reflection.parent as ProjectReflection | undefined)?.children ?? []
    const twin = siblings.find(child => child instanceof ReferenceReflection && child.name === 'default')
    if (twin) project.removeReflection(twin)
    reflection.name = 'default'
  }
}
