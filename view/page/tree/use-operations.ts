import { useEffect, useMemo, useState } from 'preact/hooks'
import type { ModuleDescription, OperationsLists } from '../../protocol/api.ts'
import { type Client, Superseded } from '../client.ts'
import { childrenOf, groupPath, type LoadedOperations } from './rows.ts'

/** Loads the operations of the modules that are open, once for each of them. */
export function useOperations(
  client: Client,
  modules: readonly ModuleDescription[],
  open: ReadonlySet<string>,
): LoadedOperations {
  const [loaded, setLoaded] = useState<LoadedOperations>(new Map())
  const parents = useMemo(() => childrenOf(modules), [modules])
  const missing = modules.filter(
    ({ path, own }) => own > 0 && !loaded.has(path) && open.has(parents.has(path) ? groupPath(path) : path),
  )
  const key = missing.map(({ path }) => path).join('\n')
  useEffect(() => {
    if (missing.length === 0) return
    const paths = missing.map(({ path }) => path)
    client.ask<OperationsLists>('operations', { paths }).then(
      ({ modules: lists }) =>
        setLoaded(before => new Map([...before, ...lists.map(({ path, operations }) => [path, operations] as const)])),
      (error: unknown) => {
        // A later request asks for these modules too. If the command has ended, the page says so.
        if (!(error instanceof Superseded))
          setLoaded(before => new Map([...before, ...paths.map(path => [path, []] as const)]))
      },
    )
  }, [key])
  return loaded
}
