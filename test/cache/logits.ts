import { load } from 'onnsight'

/** Runs in a child process: loads argv[2] with the cache folder argv[3], and prints the logits, or the error that was thrown. */
const [, , path, cacheFolder] = process.argv
try {
  const model = await load(path, { threads: 1, cacheFolder })
  const logits = await model.trace([[18, 47, 56, 57, 1]], m => m.lm_head.output)
  console.log(JSON.stringify({ logits: Array.from(logits.data as Float32Array) }))
  await model.release()
} catch (error) {
  const { code, message } = error as { code?: string; message: string }
  console.log(JSON.stringify({ code, message }))
}
