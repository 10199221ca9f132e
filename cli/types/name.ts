/** The name of the type for a model's file: CharsFp16 for `chars-fp16.onnx`. */
export function typeName(file: string): string {
  const words = file
    .replace(/^.*[\\/]/, '')
    .replace(/\.onnx$/, '')
    .split(/[^A-Za-z0-9]+/)
    .filter(word => word !== '')
  const name = words.map(word => word[0].toUpperCase() + word.slice(1)).join('') || 'Model'
  return /^\d/.test(name) ? `Model${name}` : name
}
