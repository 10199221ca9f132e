import { readFile } from 'node:fs/promises'
import { arch, cpus } from 'node:os'

let known: Promise<string> | undefined

/** A text for the processor and, on Linux, its features, which decide the kernels that onnxruntime uses. */
export function processor(): Promise<string> {
  known ??= describe()
  return known
}

async function describe(): Promise<string> {
  const info = await readFile('/proc/cpuinfo', 'utf8').catch(() => '')
  const [features = ''] = /^(flags|Features)\s*:.*$/m.exec(info) ?? []
  return `${arch()} ${cpus()[0]?.model ?? ''} ${features.replace(/^\w+\s*:\s*/, '')}`
}
