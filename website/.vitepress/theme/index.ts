import { inBrowser, type Theme } from 'vitepress'
import theme from 'vitepress/theme'
import { nextTick } from 'vue'
import { LiveModelBox } from './live/live-model.ts'
import './style.css'
import './live/live.css'

/** Says what the main content of the home page is: the theme does so for all other pages. */
function markMain(): void {
  const content = document.querySelector('#VPContent')
  if (content?.classList.contains('is-home')) content.setAttribute('role', 'main')
  else content?.removeAttribute('role')
}

export default {
  extends: theme,
  enhanceApp({ app, router }) {
    app.component('LiveModel', LiveModelBox)
    // The page is replaced after the route has changed.
    if (inBrowser) router.onAfterRouteChange = () => void nextTick(markMain)
  },
} satisfies Theme
