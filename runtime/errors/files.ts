import { OnnsightError } from './error.ts'

const writers = {
  safetensors: 'writeSafetensors, or by the safetensors package of Python',
  '.npy': 'numpy.save',
} as const

export class InvalidTensorsFileError extends OnnsightError {
  static readonly code = 'invalid-tensors-file'
  constructor(
    path: string,
    reason: string,
    cause?: unknown,
    format: keyof typeof writers = 'safetensors',
    fix = `check the file; it is written by ${writers[format]}`,
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
      `The cache would hold ${show(bytes)}, and at most ${show(most)} are allowed. The largest: ${largest.join(', ')}.`,
      { fix: 'choose modules, cache({ modules: [model.transformer.h] }), or allow more: cache({ maxBytes: … })' },
    )
  }
}
