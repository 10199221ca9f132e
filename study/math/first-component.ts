import { tensor } from '../../runtime/tensor/functions.ts'
import type { Tensor } from '../../runtime/tensor/tensor.ts'
import { matrixLibrary } from './matrix-library.ts'

/**
 * The first principal component of the rows `[row, width]` together with their negatives, so that the mean is 0: `[width]`. Its length is that
 * of the rows' mean projection on it, and it points to the side on which that lies.
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
