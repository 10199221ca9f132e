import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { runScript } from '../child.ts'
import { type Finding, ok, warn } from '../finding.ts'
import { findPackage } from '../packages.ts'
import type { Project } from '../project.ts'
import type { Probe } from './onnxruntime.ts'

const check = 'cuda'
const PROVIDER = 'libonnxruntime_providers_cuda.so'

/** Checks whether the machine has a GPU that onnxruntime can't use, and which libraries are missing. */
export async function checkCuda({ onnsight, folder }: Project): Promise<Finding> {
  const runtime = findPackage('onnxruntime-node', onnsight.folder)
  if (!runtime) return ok(check, 'CUDA: not checked, because onnxruntime-node is not installed')
  if (process.platform !== 'linux' || process.arch !== 'x64')
    return ok(check, `CUDA: onnxruntime-node has no CUDA for ${process.platform}/${process.arch}`)
  const library = join(runtime.folder, 'bin/napi-v6/linux/x64', PROVIDER)
  const hasLibrary = existsSync(library)
  const hasGpu = existsSync('/proc/driver/nvidia/version') || existsSync('/dev/nvidia0')
  if (!hasGpu && !hasLibrary)
    return ok(check, 'CUDA: this machine has no NVIDIA GPU, and no CUDA libraries are installed')
  if (!hasLibrary)
    return warn(
      check,
      `CUDA: this machine has an NVIDIA GPU, but ${PROVIDER} is missing.`,
      `ONNXRUNTIME_NODE_INSTALL=cuda12 node ${join(runtime.folder, 'script/install')}`,
    )
  const missing = missingLibraries(await ldd(library))
  if (missing.length > 0) return warn(check, `CUDA: missing ${missing.join(', ')}.`, installLine(missing))
  if (!hasGpu)
    return warn(
      check,
      'CUDA: its libraries are installed, but this machine has no NVIDIA GPU.',
      'nothing, if you use the CPU',
    )
  const { answer, end } = await runScript('probe', [onnsight.folder, 'cuda'], folder)
  const { works, reason = end } = (answer as Probe | undefined) ?? { works: false }
  if (works) return ok(check, 'CUDA: a session runs on the GPU')
  return warn(check, `CUDA: ${reason.split('\n')[0]}`, 'check that nvidia-smi shows a driver for CUDA 12')
}

/** The libraries that a binary needs and the system lacks, as `ldd` prints them. */
export function missingLibraries(printed: string): string[] {
  const names = Array.from(printed.matchAll(/^\s*(\S+) => not found/gm), ([, name]) => name)
  // onnxruntime's own library comes with the provider, and the provider finds it.
  return [...new Set(names)].filter(name => !name.startsWith('libonnxruntime'))
}

/** The command that installs the missing libraries from NVIDIA's own package repository. */
export function installLine(missing: readonly string[]): string {
  const packages = [
    ...(missing.some(name => name.startsWith('libcudnn')) ? ['libcudnn9-cuda-12'] : []),
    ...(missing.some(name => !/^libcud(?:nn|a\.)/.test(name)) ? ['cuda-libraries-12-8'] : []),
    ...(missing.some(name => name.startsWith('libcuda.')) ? ['cuda-drivers'] : []),
  ]
  return `sudo apt-get install ${packages.join(' ')}, from https://developer.nvidia.com/cuda-downloads`
}

function ldd(file: string): Promise<string> {
  return new Promise(resolve => {
    execFile('ldd', [file], { timeout: 20_000 }, (_, stdout) => resolve(stdout))
  })
}
