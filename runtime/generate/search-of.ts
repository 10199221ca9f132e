import { BeamSearch } from './beams.ts'
import { Endings } from './endings.ts'
import type { Decode } from './row-text.ts'
import { Sampling } from './sampling.ts'
import type { Search } from './search.ts'
import type { Settings } from './settings.ts'

/** The search that the settings ask for. */
export function searchOf(
  settings: Settings,
  prompts: number,
  seed: number | undefined,
  language: Decode | undefined,
): Search {
  const { numBeams, numSequences, maxNewTokens, padTokenId } = settings
  const endings = new Endings(settings, language)
  const common = { scores: settings, endings, maxNewTokens }
  if (numBeams > 1)
    return new BeamSearch({
      ...common,
      beams: numBeams,
      lengthPenalty: settings.lengthPenalty ?? 1,
      earlyStopping: settings.earlyStopping ?? false,
      prompts,
      sequences: numSequences,
    })
  const draw = seed === undefined ? undefined : { ...settings, seed }
  return new Sampling({
    ...common,
    draw,
    rows: prompts * numSequences,
    rowsPerPrompt: numSequences,
    padding: padTokenId,
  })
}
