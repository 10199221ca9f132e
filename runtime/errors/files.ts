import { OnnsightError } from './error.ts'

const writers = {
  safetensors: 'writeSafetensors and Python’s safetensors package',
  '.npy': 'numpy.save and the command line’s --output',
  '.npz': 'numpy.savez and numpy.savez_compressed',
  tensors: 'writeSafetensors and numpy.savez',
} as const

export class InvalidTensorsFileError extends OnnsightError {
  static readonly code = 'invalid-tensors-file'
  constructor(
    path: string,
    reason: string,
    cause?: unknown,
    format: keyof typeof writers = 'safetensors',
    fix = `check the file; ${writers[format]} write such files`,
  ) {
    super(InvalidTensorsFileError.code, `${path} can't be used as a ${format} file: ${reason}.`, {
      fix,
      cause,
    })
  }
}

export class CacheTooLargeError extends OnnsightError {
  static readonly code = 'cache-too-large'
  constructor(bytes: number, most: number, largest: readonly string[]) {
    const show = (count: number): string => `${(count / 2 ** 20).toFixed(count < 2 ** 20 ? 3 : 0)} MiB`
    super(
      CacheTooLargeError.code,
      `The cache would hold ${show(bytes)}, but at most ${show(most)} are allowed. The largest values are ${largest.join(', ')}.`,
      {
        fix: 'choose modules with cache({ modules: [model.transformer.h] }), or allow more with cache({ maxBytes: … })',
      },
    )
  }
}
