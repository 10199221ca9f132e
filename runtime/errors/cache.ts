import { OnnsightError } from './error.ts'

export interface CacheFailure {
  /** The least and the most bytes that the copy needs while it is written. */
  readonly needed: readonly [least: number, most: number]
  /** The number of free bytes in the folder's file system; undefined if that is not known. */
  readonly free: number | undefined
  readonly cause?: unknown
}

/** Thrown if the copy of the weights can't be written to the cache folder. No part of it is left behind. */
export class CacheFolderError extends OnnsightError {
  static readonly code = 'cache-folder'
  constructor(folder: string, { needed, free, cause }: CacheFailure) {
    const reason = cause === undefined ? 'too little space is free' : reasonOf(cause)
    const isFull = cause === undefined || ['ENOSPC', 'EDQUOT'].includes((cause as { code?: string }).code ?? '')
    const room = free === undefined ? '' : `, and ${count(free)} are free`
    const [least, most] = needed
    const bytes = least === most ? count(least) : `${count(least)} to ${count(most)}`
    super(
      CacheFolderError.code,
      `The copy of the weights can't be written to the cache folder ${folder}: ${reason}. The copy needs ${bytes} bytes${room}.`,
      {
        cause,
        fix: `${isFull ? 'free space there, ' : ''}pass another folder as cacheFolder, or leave the option out: onnsight then reads the weights from the model’s own file`,
      },
    )
  }
}

const reasons: Readonly<Record<string, string>> = {
  ENOSPC: 'no space is left',
  EDQUOT: 'the quota is used up',
  EFBIG: 'its file system does not allow files that large',
  EACCES: 'you have no permission to write there',
  EPERM: 'you have no permission to write there',
  EROFS: 'it is read-only',
  ENOTDIR: 'a part of its path is a file',
  EEXIST: 'it is a file',
}

function reasonOf(cause: unknown): string {
  const { code, message } = cause as { code?: string; message?: string }
  return (code === undefined ? undefined : reasons[code]) ?? message ?? String(cause)
}

const count = (bytes: number): string => bytes.toLocaleString('en-US')
