/**
 * Methods of arrays and iterators that take what their callback gives for a truth. The macro wraps such a callback in a block, and a list of
 * layers does so at run time: a tensor is an object, so JavaScript would take each for true.
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
