/** The type's name for a file: `chars-fp16.onnx` is CharsFp16. */
export function typeName(file: string): string {
  const words = file
    .replace(/^.*[\\/]/, '')
    .replace(/\.onnx$/, '')
    .split(/[^A-Za-z0-9]+/)
    .filter(word => word !== '')
  const name = words.map(word => word[0].toUpperCase() + word.slice(1)).join('') || 'Model'
  return /^\d/.test(name) ? `Model${name}` : name
}
