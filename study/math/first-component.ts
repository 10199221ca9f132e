import { tensor } from '../../runtime/tensor/functions.ts'
import type { Tensor } from '../../runtime/tensor/tensor.ts'
import { matrixLibrary } from './matrix-library.ts'

/**
 * The first principal component of some rows `[row, width]` and their negatives, whose mean is 0, as long as the rows' mean projection on it,
 * and on the side of their mean: `[width]`.
 * @throws MissingPackageError
 */
export async function firstComponent(rows: Tensor): Promise<Tensor> {
  // The products of all pairs of rows have the same eigenvalues as those of all pairs of columns, and rows are few.
  const products = (await rows.matmul(rows.T).value()).tolist() as number[][]
  const { EigenvalueDecomposition, Matrix } = await matrixLibrary()
  const { realEigenvalues, eigenvectorMatrix } = new EigenvalueDecomposition(new Matrix(products), {
    assumeSymmetric: true,
  })
  const first = realEigenvalues.indexOf(Math.max(...realEigenvalues))
  const weights = eigenvectorMatrix.getColumn(first)
  const component = tensor(weights).matmul(rows)
  const unit = component.div(component.norm())
  return unit.mul(rows.matmul(unit).mean()).value()
}
