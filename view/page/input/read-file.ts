/** Reads a file that the user chose. */
export function readFile(file: File): Promise<{ name: string; base64: string }> {
  return new Promise((done, failed) => {
    const reader = new FileReader()
    reader.onload = () => done({ name: file.name, base64: String(reader.result).split(',')[1] ?? '' })
    reader.onerror = () => failed(reader.error ?? new Error(`${file.name} can't be read.`))
    reader.readAsDataURL(file)
  })
}
