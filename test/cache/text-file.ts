import { readFile } from 'node:fs/promises'
import type { CachedFile } from '#dist/runtime/onnx/weights-on-disk/cache-folder.js'

export const TEXT = 'whole text'

export function textFile(name: string): CachedFile {
  return {
    name,
    size: [TEXT.length, TEXT.length],
    isWhole: async path => (await readFile(path, 'utf8').catch(() => '')) === TEXT,
    isEarlier: () => false,
    write: async handle => {
      await handle.write(TEXT)
    },
  }
}
