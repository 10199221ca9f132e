export * from 'typedoc'
export { load as markdown } from 'typedoc-plugin-markdown'
