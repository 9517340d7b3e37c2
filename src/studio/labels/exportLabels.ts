/** Labels as files: StepTool's CSV, or Hone's own JSONL. */
import { resolveRewards } from '../../annotation/resolver'
import { honeJsonlLine } from '../../data/formats/honeJsonl'
import { writeSteptoolCsv } from '../../data/formats/steptoolCsv'
import type { Opinion } from '../../records/annotation'
import { practiceSourceId } from '../../records/dataSource'
import { stepsOf, type Trajectory } from '../../records/trajectory'
import type { Store } from '../../storage/store'
import type { Reply } from '../../worker/protocol'
import type { ExportedFile } from '../../worker/studioApi'
import { openDataSource } from '../data/dataSources'
import { accept, refuse } from '../failure'
import type { StoredOpinions } from './storedOpinions'

/** StepTool's CSV of a data set, or of a run's practice, by its id. */
export async function exportCsv(id: string, store: Store, opinions: StoredOpinions): Promise<Reply<string>> {
  const isRun = (await store.datasets.get(id)) === null && (await store.runs.get(id)) !== null
  const file = await exportFile([isRun ? practiceSourceId(id) : id], 'steptool-csv', store, opinions)
  if (!file.ok) return file
  const [reason] = file.value.skipped
  if (file.value.trajectories === 0)
    return refuse(
      'nothing-labelled',
      reason ? `No trajectory has a reward on every step: ${reason.reason}` : 'There are no trajectories to export.',
    )
  return accept(file.value.text)
}

/** Sources of data as one file, each in its own order. */
export async function exportFile(
  ids: readonly string[],
  format: 'steptool-csv' | 'hone-jsonl',
  store: Store,
  opinions: StoredOpinions,
): Promise<Reply<ExportedFile>> {
  const annotated: { readonly trajectory: Trajectory; readonly opinions: readonly Opinion[] }[] = []
  for (const id of ids) {
    const source = await openDataSource(store, id)
    if (!source.ok) return source
    const given = await opinions.ofEach(source.value.trajectories)
    for (const trajectory of source.value.trajectories) annotated.push({ trajectory, opinions: given.get(trajectory.trajectory_id) ?? [] })
  }
  if (format === 'hone-jsonl') {
    const text = annotated.map((one) => honeJsonlLine(one.trajectory, one.opinions)).join('')
    const steps = annotated.reduce((sum, { trajectory }) => sum + stepsOf(trajectory).length, 0)
    return accept({ text, trajectories: annotated.length, steps, skipped: [] })
  }
  const byTrajectory = new Map(annotated.map((one) => [one.trajectory.trajectory_id, one.opinions]))
  const { csv, written, steps, skipped } = writeSteptoolCsv(
    annotated.map(({ trajectory }) => trajectory),
    (trajectory) => resolveRewards(trajectory, byTrajectory.get(trajectory.trajectory_id) ?? []),
  )
  return accept({ text: csv, trajectories: written, steps, skipped })
}
