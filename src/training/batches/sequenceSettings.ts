/** Settings that decide how trajectories become token sequences: their maximum lengths, and the source of token ids. */
import { z } from 'zod'
import { ENCODINGS } from './tokenizedTrajectory'

export function sequenceSettings(defaults: { readonly context: number; readonly essential: boolean }) {
  const shown = defaults.essential ? { essential: true } : {}
  return {
    max_context_len: z
      .int()
      .positive()
      .default(defaults.context)
      .meta({
        group: 'Sequences',
        help: 'At most this many tokens before the final response are used; the oldest are cut first.',
        ...shown,
      }),
    max_response_len: z
      .int()
      .positive()
      .default(1024)
      .meta({ group: 'Sequences', help: 'At most this many tokens of the final response are used.', ...shown }),
    encoding: z.enum(ENCODINGS).default('auto').meta({
      group: 'Sequences',
      help: 'This sets how token ids are obtained. tokens uses the ids that were sampled. text encodes every segment again. text_released encodes as StepTool’s code does, with a BOS token before every segment if the tokenizer has one. auto uses sampled ids if the data has them, and text otherwise.',
    }),
  }
}
