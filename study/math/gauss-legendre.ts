/** The points of a quadrature over [0, 1], and their weights, which sum to 1. */
export interface Quadrature {
  readonly points: readonly number[]
  readonly weights: readonly number[]
}

/** Gauss–Legendre quadrature: exact for polynomials of degree 2n − 1. The points are roots of the Legendre polynomial, found by Newton's method. */
export function gaussLegendre(n: number): Quadrature {
  const pairs = Array.from({ length: n }, (_, i) => {
    let x = Math.cos((Math.PI * (i + 0.75)) / (n + 0.5))
    let slope = 1
    for (let round = 0; round < 20; round++) {
      let [before, now] = [1, x]
      for (let k = 2; k <= n; k++) [before, now] = [now, ((2 * k - 1) * x * now - (k - 1) * before) / k]
      slope = (n * (x * now - before)) / (x * x - 1)
      const step = now / slope
      x -= step
      if (Math.abs(step) < 1e-15) break
    }
    return { point: (1 - x) / 2, weight: 1 / ((1 - x * x) * slope * slope) }
  })
  return { points: pairs.map(({ point }) => point), weights: pairs.map(({ weight }) => weight) }
}

/** The middles of n equal parts. */
export function middles(n: number): Quadrature {
  return { points: Array.from({ length: n }, (_, i) => (i + 0.5) / n), weights: new Array<number>(n).fill(1 / n) }
}
