import { z } from 'zod'

/** What the address of the page holds: the open data set, its tab, the trajectory shown and its step. */
export const dataUrl = z.object({
  dataset: z.string().default(''),
  tab: z.enum(['rows', 'preview', 'batch', 'profile', 'problems']).catch('rows').default('rows'),
  id: z.string().default(''),
  step: z.coerce.number().int().nonnegative().catch(0).default(0),
})
export type DataUrl = z.output<typeof dataUrl>
