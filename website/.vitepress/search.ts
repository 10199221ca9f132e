import type { DefaultTheme } from 'vitepress'

/** An index of all pages, made when the site is built and searched in the browser. */
export const search: DefaultTheme.LocalSearchOptions = {
  // What is indexed is text: colours would be computed for nothing.
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
      // What explains comes before what lists.
      boostDocument: id => (String(id).includes('/reference/') ? 0.4 : 1),
    },
  },
}
