/** What a run's record says of the call format and the prompts. */
import { callFormatFor } from '../../agents/callFormats/callFormatFor'
import { compact } from '../../agents/callFormats/compact'
import { sha256 } from '../../base/sha256'
import type { ModelText } from '../models/loadedModel'

/** Nothing for the format of the starter model, in which earlier runs acted without saying so. */
export function formatConfig(model: ModelText): Readonly<Record<string, unknown>> {
  const choice = callFormatFor(model)
  const isSaid = choice.ok && choice.format.name !== compact.name
  return {
    ...(isSaid ? { call_format: choice.format.name, prompts: choice.format.how } : {}),
    ...(model.promptPack ? { prompt_pack: model.promptPack.title ?? sha256(JSON.stringify(model.promptPack)) } : {}),
  }
}
