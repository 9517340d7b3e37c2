/** Flags for the settings of a strategy and its limit of model calls. */
import { z } from 'zod'
import { settingsIn } from './jsonSettings'

export const strategyOptions = {
  strategySettings: z
    .string()
    .optional()
    .meta({ help: 'settings of the strategy as JSON, such as {"beam": 2}; by default its usual ones' }),
  maxModelCalls: z
    .int()
    .positive()
    .optional()
    .meta({ help: 'most turns of the model in an episode; by default as many as the strategy usually takes' }),
} as const

/** The part of a request that the flags give. Throws UsageError for settings that are no JSON object. */
export function strategyGiven({ strategySettings, maxModelCalls }: z.output<z.ZodObject<typeof strategyOptions>>) {
  return {
    ...(strategySettings === undefined ? {} : { strategySettings: settingsIn('--strategy-settings', strategySettings) }),
    ...(maxModelCalls === undefined ? {} : { maxModelCalls }),
  }
}
