import type { Axis, Layout } from './layout.ts'

/** The axes of a value with batch and heads, which are one axis if the rank is 3. */
export const headAxes = (rank: number, ...inner: Axis[]): Layout => [
  ...((rank === 4 ? [['batch'], ['head']] : [['batch', 'head']]) as Axis[][]),
  ...inner.map((one): Axis[] => [one]),
]

/** Whether heads lie beside their width and are not merged with the batch. */
export const hasHeadsApart = (layout: Layout): boolean => {
  const axes = layout.flat()
  return (
    axes[axes.indexOf('head') + 1] === 'width' && !layout.some(one => one.includes('head') && one.includes('batch'))
  )
}

/** Whether batch and positions are not merged with other axes. */
export const isApart = (layout: Layout): boolean =>
  layout.every(axes => axes.length < 2 || !(axes.includes('batch') || axes.includes('token')))
