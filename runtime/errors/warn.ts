/** Tells the user of something that is no error: in Node as a warning of the process, in browsers on the console. */
export function warn(text: string, code: string): void {
  if (typeof process !== 'undefined' && typeof process.emitWarning === 'function') {
    process.emitWarning(text, { type: 'OnnsightWarning', code })
  } else {
    console.warn(text)
  }
}
