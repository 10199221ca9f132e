import { matrixLibrary } from './matrix-library.ts'

/** A linear map with a bias: `x · weights[j] + bias[j]` for each target j. */
export interface LinearMap {
  readonly weights: readonly (readonly number[])[]
  readonly bias: readonly number[]
}

/**
 * Ridge regression in closed form: the map that minimises Σ |y − W x − b|² + strength · |W|², where the bias is free. It is solved in its dual
 * form, as there are fewer examples than numbers in the stream.
 * @throws MissingPackageError
 */
export async function ridge(
  inputs: readonly (readonly number[])[],
  targets: readonly (readonly number[])[],
  strength: number,
): Promise<LinearMap> {
  const { CholeskyDecomposition, Matrix } = await matrixLibrary()
  const centred = (rows: readonly (readonly number[])[]) => {
    const matrix = new Matrix(rows.map(row => [...row]))
    const mean = matrix.mean('column')
    return { mean, matrix: matrix.subRowVector(mean) }
  }
  const [x, y] = [centred(inputs), centred(targets)]
  const products = x.matrix.mmul(x.matrix.transpose()).add(Matrix.eye(inputs.length).mul(strength))
  const weights = x.matrix.transpose().mmul(new CholeskyDecomposition(products).solve(y.matrix)).transpose().to2DArray()
  return {
    weights,
    bias: weights.map((row, j) => y.mean[j] - row.reduce((sum, weight, i) => sum + weight * x.mean[i], 0)),
  }
}

/** Applies the map to an input. */
export function applied({ weights, bias }: LinearMap, input: readonly number[]): number[] {
  return weights.map((row, j) => row.reduce((sum, weight, i) => sum + weight * input[i], bias[j]))
}
