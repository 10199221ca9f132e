export * from 'typedoc'
export { load as markdown } from 'typedoc-plugin-markdown'
export { default as typescript } from 'typescript'
