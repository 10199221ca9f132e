/** As in package.json: bundles have that no more. */
export const version = '0.1.0'
