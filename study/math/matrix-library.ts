import { MissingPackageError } from '../../runtime/errors/install.ts'

/** Loads ml-matrix, which users install themselves. @throws MissingPackageError */
export async function matrixLibrary() {
  try {
    return await import('ml-matrix')
  } catch (error) {
    throw new MissingPackageError('ml-matrix', error, 'for eigenvectors and least squares')
  }
}
