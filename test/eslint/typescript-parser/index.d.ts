import type { Linter } from 'eslint'

declare const parser: Linter.Parser
export default parser
