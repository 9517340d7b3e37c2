/** Labels as files: StepTool's CSV, or Hone's own JSONL. */
import { resolveRewards } from '../../annotation/resolver'
import { honeJsonlLine } from '../../data/formats/honeJsonl'
import { writeSteptoolCsv } from '../../data/formats/steptoolCsv'
import type { Opinion } from '../../records/annotation'
import type { Trajectory } from '../../records/trajectory'
import type { Store } from '../../storage/store'
import type { LabelState, Reply } from '../../worker/protocol'
import type { ExportedFile } from '../../worker/studioApi'
import { datasetTrajectories } from '../data/datasetOrder'
import { accept, refuse } from '../failure'
import type { StoredOpinions } from './storedOpinions'

/** StepTool's CSV of a data set, or of a run's practice. */
export async function exportCsv(id: string, store: Store, opinions: StoredOpinions): Promise<Reply<string>> {
  const isDataset = (await store.datasets.get(id)) !== null
  if (!isDataset && !(await store.runs.get(id))) return refuse('unknown-dataset', `There is no data set ${id}.`)
  const all = (await store.trajectories.listOf(isDataset ? { dataset_id: id } : { run_id: id })).records
  const trajectories = isDataset ? all : all.filter(({ task }) => task.split === 'practice')
  const resolved = new Map<string, LabelState['resolved']>()
  for (const trajectory of trajectories) resolved.set(trajectory.trajectory_id, (await opinions.stateOf(trajectory)).resolved)
  const { csv, written, skipped } = writeSteptoolCsv(trajectories, ({ trajectory_id }) => resolved.get(trajectory_id) ?? [])
  const reason = skipped[0]
  if (written === 0)
    return refuse(
      'nothing-labelled',
      reason ? `No trajectory has a reward on every step: ${reason.reason}` : 'There are no trajectories to export.',
    )
  return accept(csv)
}

/** Data sets as one file, in the order of the files they came from. */
export async function exportFile(
  ids: readonly string[],
  format: 'steptool-csv' | 'hone-jsonl',
  store: Store,
  opinions: StoredOpinions,
): Promise<Reply<ExportedFile>> {
  const annotated: { readonly trajectory: Trajectory; readonly opinions: readonly Opinion[] }[] = []
  for (const id of ids)
    for (const trajectory of await datasetTrajectories(store, id))
      annotated.push({ trajectory, opinions: await opinions.of(trajectory.trajectory_id) })
  if (format === 'hone-jsonl') {
    const text = annotated.map((one) => honeJsonlLine(one.trajectory, one.opinions)).join('')
    return accept({ text, trajectories: annotated.length, skipped: [] })
  }
  const byTrajectory = new Map(annotated.map((one) => [one.trajectory.trajectory_id, one.opinions]))
  const { csv, written, skipped } = writeSteptoolCsv(
    annotated.map(({ trajectory }) => trajectory),
    (trajectory) => resolveRewards(trajectory, byTrajectory.get(trajectory.trajectory_id) ?? []),
  )
  return accept({ text: csv, trajectories: written, skipped })
}
