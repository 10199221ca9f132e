/** A current value, such as the current trace. It is kept across awaits if the platform can do so. */
export interface Scope<T> {
  get(): T | undefined
  /** Runs `body` with `value` current, also after its awaits if the platform can do so. */
  run<R>(value: T, body: () => R): R
  /** Makes `value` current from now on, until the enclosing `run` ends. */
  enter(value: T | undefined): void
  /**
   * Makes `outer` current instead of `value` when the running code waits, because an async function that waits returns to its caller. Has
   * no effect on platforms that keep the value across awaits.
   */
  leave(value: T, outer: T | undefined): void
}

/** A scope for platforms without async context. Callers must `enter` again after each await. */
export function variableScope<T>(): Scope<T> {
  let active: T | undefined
  return {
    get: () => active,
    run(value, body) {
      const outer = active
      active = value
      try {
        return body()
      } finally {
        active = outer
      }
    },
    enter(value) {
      active = value
    },
    leave(value, outer) {
      queueMicrotask(() => {
        if (active === value) active = outer
      })
    },
  }
}
