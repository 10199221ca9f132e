/**
 * Methods of arrays and iterators that use the result of their callback as a truth value. A tensor is an object, so JavaScript would take
 * it for true. The macro wraps such callbacks in a block, and a list of layers wraps them at run time.
 */
export const PREDICATE_METHODS: ReadonlySet<string> = new Set([
  'filter',
  'find',
  'findIndex',
  'findLast',
  'findLastIndex',
  'some',
  'every',
])
