/** `detail.json` of a run, beside its record: the grids of its evaluations, who sits them, and the probe of how its policy changed. */
import { z } from 'zod'
import { answerStatus } from '../../records/trajectory'
import type { Store } from '../../storage/store'
import type { ExamCell, RunDetail } from '../../worker/protocol'

const cells = z.array(
  z.object({
    query_id: z.string(),
    group: z.string(),
    text: z.string(),
    status: answerStatus.nullable(),
    calls: z.int(),
    trajectory_id: z.string().nullable(),
  }),
)
const schema = z.object({
  exam: z.object({ before: cells, after: cells }),
  sitters: z.object({ before: z.string().optional(), after: z.string().optional() }).optional(),
  probe: z.object({ before: z.array(z.number()), after: z.array(z.number()).nullable() }).nullable(),
})

export interface DetailFile {
  readonly exam: { readonly before: readonly ExamCell[]; readonly after: readonly ExamCell[] }
  /** A hash of the model that sits an exam and of how it is asked. */
  readonly sitters?: { readonly before?: string | undefined; readonly after?: string | undefined } | undefined
  readonly probe: RunDetail['probe']
}

const EMPTY: DetailFile = { exam: { before: [], after: [] }, probe: null }
const fileName = (runId: string): string => `runs/${runId}/detail.json`

/** An empty one when the file is missing or cannot be read: the run's record is worth showing without it. */
export async function readDetailFile(store: Store, runId: string): Promise<DetailFile> {
  const bytes = await store.readBlob(fileName(runId)).catch(() => null)
  if (!bytes) return EMPTY
  try {
    return schema.parse(JSON.parse(new TextDecoder().decode(bytes)))
  } catch {
    return EMPTY
  }
}

export const writeDetailFile = (store: Store, runId: string, detail: DetailFile): Promise<void> =>
  store.writeBlob(fileName(runId), new TextEncoder().encode(JSON.stringify(detail)))

/** With `changed` in place of the cells of the same queries. */
export function withCells(detail: DetailFile, phase: 'before' | 'after', changed: readonly ExamCell[]): DetailFile {
  const byQuery = new Map(detail.exam[phase].map((cell) => [cell.query_id, cell]))
  for (const cell of changed) byQuery.set(cell.query_id, cell)
  return { ...detail, exam: { ...detail.exam, [phase]: [...byQuery.values()] } }
}
