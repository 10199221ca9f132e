/** What is current: one value for each run of code, followed across awaits where the platform can. */
export interface Scope<T> {
  get(): T | undefined
  /** Runs `body` with `value` current, and across its awaits where the platform can follow them. */
  run<R>(value: T, body: () => R): R
  /** Makes `value` current from here on, within the present run. */
  enter(value: T | undefined): void
  /**
   * `value` is current no more, but `outer`, once the running code gives way: an async function that waits returns to its caller, where
   * it still is. Of no effect where awaits are followed.
   */
  leave(value: T, outer: T | undefined): void
}

/** For platforms that can't follow awaits: whoever needs it re-enters by hand after each one. */
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
