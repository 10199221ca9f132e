import type { DefaultTheme } from 'vitepress'

/** An index of all pages, made when the site is built and searched in the browser. */
export const search: DefaultTheme.LocalSearchOptions = {
  // Only text is indexed, so syntax highlighting is left out.
  _render(text, env, markdown) {
    const { highlight } = markdown.options
    markdown.options.highlight = null
    try {
      return markdown.render(text, env)
    } finally {
      markdown.options.highlight = highlight
    }
  },
  miniSearch: {
    searchOptions: {
      // Pages that explain come before pages of the reference.
      boostDocument: id => (String(id).includes('/reference/') ? 0.4 : 1),
    },
  },
}
