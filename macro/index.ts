export { MacroNotExpandedError, notExpanded } from './not-expanded.ts'
export { transform } from './transform.ts'
