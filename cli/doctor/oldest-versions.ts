import { LEAST } from '../../macro/bundlers/least-version.ts'

/** The oldest version of each tool with which onnsight was tested; docs/tools.md has the same table. */
export const oldestVersions: Readonly<Record<string, string>> = {
  ...LEAST,
  webpack: '4.47',
  esbuild: '0.14.54',
  jest: '29.7',
  vitest: '0.34',
  ava: '4.0',
  eslint: '8.57',
  'babel-plugin-macros': '2.8',
  '@babel/preset-typescript': '7.0',
}
