/** What a user may choose about ToolHop. */
import { z } from 'zod'
import { SCENARIOS } from './prompts'

export const toolHopSettings = z.object({
  scenario: z
    .enum(SCENARIOS)
    .default('mandatory')
    .meta({ help: 'whether tools must be called (mandatory), may be (free), or there are none (direct)' }),
  scoring: z
    .enum(['original', 'strict'])
    .default('original')
    .meta({ help: 'which rule decides: original (published numbers) or strict (the answer in its tags); both are reported' }),
})
export type ToolHopSettings = z.output<typeof toolHopSettings>
