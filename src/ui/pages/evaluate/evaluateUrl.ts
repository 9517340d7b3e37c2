import { z } from 'zod'

/** What the address holds: the query set, the strategy, the calls counted, and which two results are compared. */
export const evaluateUrl = z.object({
  set: z.string().default(''),
  strategy: z.string().default(''),
  /** 0: all of them. */
  budget: z.coerce.number().int().nonnegative().catch(0).default(0),
  /** A run: its exams are compared unless `before` and `after` say otherwise. */
  run: z.string().default(''),
  before: z.string().default(''),
  after: z.string().default(''),
  /** A model to evaluate, and the run whose adapter it has: the form opens with them. */
  model: z.string().default(''),
  adapter: z.string().default(''),
  tab: z.enum(['paired', 'budget', 'groups', 'published']).catch('paired').default('paired'),
})
export type EvaluateUrl = z.output<typeof evaluateUrl>
