import { z } from 'zod'

/** What the address holds: the source, the queue's filter and order, the open trajectory and its step. */
export const labelUrl = z.object({
  id: z.string().default(''),
  dataset: z.string().default(''),
  run: z.string().default(''),
  step: z.coerce.number().int().nonnegative().catch(0).default(0),
  q: z.string().default(''),
  show: z.enum(['all', 'todo', 'done']).catch('all').default('all'),
  order: z.enum(['disagreement', 'file', 'unlabelled']).catch('disagreement').default('disagreement'),
})
export type LabelUrl = z.output<typeof labelUrl>
export type SetLabelUrl = (patch: Partial<LabelUrl>, options?: { readonly push?: boolean }) => void
