module.exports = {
  testMatch: ['**/jest/*.test.ts'],
  extensionsToTreatAsEsm: ['.ts'],
  setupFiles: ['onnsight/jest'],
}
