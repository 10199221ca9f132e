import { once } from 'node:events'
import { cachedFile } from '#dist/runtime/onnx/weights-on-disk/cache-folder.js'
import { textFile } from './text-file.ts'

/** Runs in a child process: writes the file argv[3] into the cache folder argv[2], and waits for a message in the middle of it. */
const [, , folder, name] = process.argv
await cachedFile(folder, {
  ...textFile(name),
  async write(handle) {
    await handle.write('whole ')
    console.log('begun')
    await once(process.stdin, 'data')
    await handle.write('text')
  },
})
process.exit()
