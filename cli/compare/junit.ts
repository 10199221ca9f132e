/** A metric with its bound. */
export interface Bounded {
  readonly metric: string
  readonly value: number
  readonly bound: number
}

/** A JUnit report, in which each metric with a bound is a test. */
export function junit(name: string, bounded: readonly Bounded[], advice: string): string {
  const failures = bounded.filter(isAbove)
  const cases = bounded.map(one => {
    const head = `  <testcase classname="${escaped(name)}" name="${escaped(one.metric)} at most ${one.bound}"`
    if (!isAbove(one)) return `${head}/>`
    const message = escaped(describe(one))
    return `${head}>\n    <failure message="${message}">${escaped(advice)}</failure>\n  </testcase>`
  })
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuite name="${escaped(name)}" tests="${bounded.length}" failures="${failures.length}">`,
    ...cases,
    '</testsuite>',
    '',
  ].join('\n')
}

/** Whether a metric is above its bound. NaN counts as above. */
export const isAbove = ({ value, bound }: Bounded): boolean => !(value <= bound)

export const describe = ({ metric, value, bound }: Bounded): string =>
  `${metric} is ${value}, and must be at most ${bound}.`

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
}
