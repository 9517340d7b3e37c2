import { z } from 'zod'

/** What the address holds: the source, the filters, the open trajectory and step, and those compared. */
export const trajectoriesUrl = z.object({
  id: z.string().default(''),
  dataset: z.string().default(''),
  run: z.string().default(''),
  step: z.coerce.number().int().nonnegative().catch(0).default(0),
  q: z.string().default(''),
  status: z.enum(['', 'solved', 'unsure', 'unsolved', 'none']).catch('').default(''),
  tool: z.string().default(''),
  outcome: z.enum(['', 'failed', 'unreadable', 'clean']).catch('').default(''),
  order: z.enum(['file', 'steps', 'status']).catch('file').default('file'),
  /** Trajectory ids, comma-separated. */
  compare: z.string().default(''),
})
export type TrajectoriesUrl = z.output<typeof trajectoriesUrl>
export type SetTrajectoriesUrl = (patch: Partial<TrajectoriesUrl>, options?: { readonly push?: boolean }) => void
