export { MacroNotExpandedError, notExpanded } from './not-expanded.ts'
export { LATER, transform } from './transform.ts'
