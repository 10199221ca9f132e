/** The version in package.json, which bundles do not contain. */
export const version = '0.1.0'
