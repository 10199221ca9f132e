export { default } from '@typescript-eslint/parser'
