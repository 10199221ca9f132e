import { AsyncLocalStorage } from 'node:async_hooks'
import type { Scope } from '../../graph/scope.ts'

/** Makes a scope that follows awaits, also in functions that the macro has not seen, so that concurrent traces can't see each other. */
export function asyncScope<T>(): Scope<T> {
  const storage = new AsyncLocalStorage<T | undefined>()
  return {
    get: () => storage.getStore(),
    run: (value, body) => storage.run(value, body),
    enter: value => storage.enterWith(value),
    leave: () => undefined,
  }
}
