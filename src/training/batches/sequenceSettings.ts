/** How trajectories become token sequences: how much is kept of them, and which ids. */
import { z } from 'zod'
import { ENCODINGS } from './tokenizedTrajectory'

export function sequenceSettings(defaults: { readonly context: number; readonly essential: boolean }) {
  const shown = defaults.essential ? { essential: true } : {}
  return {
    max_context_len: z
      .int()
      .positive()
      .default(defaults.context)
      .meta({ group: 'Sequences', help: 'Tokens kept before the final response; the oldest go first.', ...shown }),
    max_response_len: z
      .int()
      .positive()
      .default(1024)
      .meta({ group: 'Sequences', help: 'Tokens kept of the final response.', ...shown }),
    encoding: z.enum(ENCODINGS).default('auto').meta({
      group: 'Sequences',
      help: 'tokens: the ids that were sampled. text: encode every segment anew. text_released: as StepTool’s code, with a BOS before every segment where the tokenizer has one. auto: ids where the data has them, else text.',
    }),
  }
}
