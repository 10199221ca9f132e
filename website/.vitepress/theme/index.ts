import type { Theme } from 'vitepress'
import theme from 'vitepress/theme'
import { LiveModelBox } from './live/live-model.ts'
import './style.css'
import './live/live.css'

export default {
  extends: theme,
  enhanceApp({ app }) {
    app.component('LiveModel', LiveModelBox)
  },
} satisfies Theme
