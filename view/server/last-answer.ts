/** Keeps the last answer of a call, for a page that asks the same in two places: the heads stand in the overview and in a tab of their own. */
export function lastAnswer<Q, T, R>(
  answer: (request: Q, target: T) => Promise<R>,
): (request: Q, target: T) => Promise<R> {
  let kept: { readonly key: string; readonly value: R } | undefined
  return async (request, target) => {
    const key = JSON.stringify(request)
    if (kept?.key !== key) kept = { key, value: await answer(request, target) }
    return kept.value
  }
}
