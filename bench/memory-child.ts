import { load } from 'onnsight'
import * as ort from 'onnxruntime-node'
import { privateDirty } from './memory.ts'

/** Runs in a process of its own, as memory that was freed before may be used again: prints the private memory in MB that argv[2] takes, loaded with the cache folder argv[4], or as a plain session. */
const [, , path, as, cacheFolder] = process.argv
const before = privateDirty()
const opened = as === 'plain' ? await ort.InferenceSession.create(path) : await load(path, { cacheFolder })
console.log(privateDirty() - before)
await opened.release()
