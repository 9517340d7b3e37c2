/** Filters that change the distribution a token is drawn from, besides the temperature. By default there are none. */
import { z } from 'zod'

export const samplingFilters = z.object({
  top_p: z
    .number()
    .gt(0)
    .max(1)
    .default(1)
    .meta({ help: 'draw from the likeliest tokens that together have this probability; 1 keeps all' }),
  top_k: z.int().nonnegative().default(0).meta({ help: 'draw from this many of the likeliest tokens; 0 keeps all' }),
  min_p: z
    .number()
    .min(0)
    .max(1)
    .default(0)
    .meta({ help: 'draw from tokens whose probability is at least this share of the likeliest one’s' }),
  repetition_penalty: z.number().positive().default(1).meta({ help: 'penalty on tokens that are in the context already; 1 is none' }),
})
export type SamplingFilters = z.output<typeof samplingFilters>

export const noFilters: SamplingFilters = samplingFilters.parse({})

const NAMES = Object.keys(noFilters) as (keyof SamplingFilters)[]

/** Those that do something: `top_p 0.9`. */
export const filtersInWords = (filters: SamplingFilters = noFilters): string[] =>
  NAMES.filter((name) => filters[name] !== noFilters[name]).map((name) => `${name} ${filters[name]}`)

/** As generation is asked for them. */
export const drawnWith = ({ top_p, top_k, min_p, repetition_penalty }: SamplingFilters = noFilters) => ({
  ...{ topP: top_p, topK: top_k, minP: min_p, repetitionPenalty: repetition_penalty },
})

/** Of anything that holds them among other things, such as the flags of a command. */
export const filtersOf = ({ top_p, top_k, min_p, repetition_penalty }: SamplingFilters): SamplingFilters => ({
  ...{ top_p, top_k, min_p, repetition_penalty },
})
