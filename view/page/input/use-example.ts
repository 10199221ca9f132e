import { useEffect, useState } from 'preact/hooks'
import type { ModelDescription } from '../../protocol/api.ts'
import { exampleForm } from '../../protocol/example.ts'
import type { InputForm } from '../../protocol/form.ts'
import type { Client } from '../client.ts'

/** The example with which the page opens, once it is known to fit. */
export function useExample(model: ModelDescription, client: Client, isWanted: boolean): Example {
  const [found, setFound] = useState<{ readonly form: InputForm | undefined }>()
  useEffect(() => {
    if (isWanted && !found) void exampleForm(model, client).then(form => setFound({ form }))
  }, [isWanted])
  return {
    example: isWanted ? found?.form : undefined,
    isTrying: isWanted && !found,
    wasFound: found?.form !== undefined,
  }
}

export interface Example {
  readonly example: InputForm | undefined
  readonly isTrying: boolean
  /** Whether one was found, also if the user has entered another input since. */
  readonly wasFound: boolean
}
