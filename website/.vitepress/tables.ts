import type { MarkdownRenderer } from 'vitepress'

/**
 * Makes tables that can be read on a phone: each cell has the heading of its column, which the style shows before it if a row becomes a block.
 * Roles are written out, because such a style removes the elements' own roles.
 */
export function labelledTables(markdown: MarkdownRenderer): void {
  markdown.core.ruler.push('labelled-tables', state => {
    let headings: string[] = []
    let column = 0
    for (const [i, token] of state.tokens.entries()) {
      const text = state.tokens[i + 1]?.content ?? ''
      if (token.type === 'table_open') {
        token.attrSet('role', 'table')
        headings = []
      }
      if (token.type === 'thead_open' || token.type === 'tbody_open') token.attrSet('role', 'rowgroup')
      if (token.type === 'tr_open') {
        token.attrSet('role', 'row')
        column = 0
      }
      if (token.type === 'th_open') {
        headings.push(text.replaceAll('`', ''))
        token.attrSet('role', text ? 'columnheader' : 'cell')
        // A corner without a text is no heading.
        if (!text) for (const one of [token, state.tokens[i + 2]]) one.tag = 'td'
      }
      if (token.type === 'td_open') {
        token.attrSet('role', 'cell')
        if (column > 0 && headings[column]) token.attrSet('data-label', headings[column])
        column++
      }
    }
  })
}
