import type { AttentionOverview, ModelDescription } from '../../protocol/api.ts'
import type { Client } from '../client.ts'
import { forModule, type TabName, type ViewState } from '../state/view-state.ts'

/** The most states that are visited before a page is saved. */
const MAX_VISITS = 200

/** The states that a saved copy should be able to show: each tab, each module, and then each head. */
export function visitsBefore(model: ModelDescription, tabs: readonly TabName[], client: Client): Partial<ViewState>[] {
  const overview = [...client.answers].findLast(([key]) => key.startsWith('attention {'))?.[1].value
  const { sites = [] } = (overview ?? {}) as Partial<AttentionOverview>
  return [
    ...tabs.filter(tab => tab !== 'generate' && tab !== 'steer' && tab !== 'patch').map(tab => ({ tab })),
    { tab: 'module' as const, ...forModule(''), shown: 'graph' as const },
    ...model.modules.map(({ path }) => ({ tab: 'module' as const, shown: 'values' as const, ...forModule(path) })),
    ...(tabs.includes('attention')
      ? sites.flatMap(({ path, heads }) =>
          Array.from({ length: heads }, (_, head) => ({ tab: 'attention' as const, site: path, head })),
        )
      : []),
  ].slice(0, MAX_VISITS)
}

/** Waits until no request runs, and the page has drawn what it received. */
export async function settled(client: Client): Promise<void> {
  for (let quiet = 0; quiet < 2; ) {
    await new Promise(done => setTimeout(done, 20))
    quiet = client.isIdle ? quiet + 1 : 0
  }
}
