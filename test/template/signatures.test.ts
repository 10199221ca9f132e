import test from 'ava'
import { functionArguments, methodArguments } from '#dist/runtime/tensor/arguments/signatures.js'
import { declaredOperations } from './declared.ts'

test('the template language knows every operation, by the arguments that it declares', t => {
  const { methods, functions } = declaredOperations()
  t.true(Object.keys(methods).length > 100)
  t.deepEqual({ ...methodArguments }, methods)
  t.deepEqual({ ...functionArguments }, functions)
})
