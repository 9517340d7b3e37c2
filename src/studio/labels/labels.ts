/** Labels: rows that are only added, the reward they resolve to, and taking one's own back. */
import { annotateByRules, annotateByWorld } from '../../annotation/rules'
import { opinionRows, OpinionValueError, undoRow, type RowParts } from '../../annotation/opinions'
import { resolveRewards } from '../../annotation/resolver'
import { honeJsonlLine } from '../../data/formats/honeJsonl'
import { writeSteptoolCsv } from '../../data/formats/steptoolCsv'
import type { Opinion } from '../../records/annotation'
import { stepsOf, type Trajectory } from '../../records/trajectory'
import type { Store } from '../../storage/store'
import type { LabelState, NewOpinion, Reply } from '../../worker/protocol'
import type { AnnotateBy, ExportedFile } from '../../worker/studioApi'
import { datasetTrajectories } from '../data/datasetOrder'
import { accept, attempt, refuse } from '../failure'

export interface Labels {
  labels(trajectoryId: string): Promise<LabelState>
  add(rows: readonly NewOpinion[], annotator: string): Promise<Reply<LabelState>>
  undo(opinionId: string): Promise<Reply<LabelState>>
  /** The reward of each step, as training takes it. */
  rewards(trajectory: Trajectory): Promise<readonly (number | null)[]>
  /** StepTool's CSV of a data set, or of a run's practice. */
  exportCsv(id: string): Promise<Reply<string>>
  annotate(datasetId: string, how: AnnotateBy): Promise<Reply<number>>
  exportFile(datasetIds: readonly string[], format: 'steptool-csv' | 'hone-jsonl'): Promise<Reply<ExportedFile>>
}

const NONE: LabelState = { opinions: [], resolved: [] }

export function createLabels({ store, rows }: { readonly store: Store; readonly rows: RowParts }): Labels {
  /** Where an opinion stands: the store lists them by trajectory. */
  const placeOf = new Map<string, string>()

  async function opinionsOf(trajectoryId: string): Promise<readonly Opinion[]> {
    const { records } = await store.opinions.listOf(trajectoryId)
    for (const { opinion_id } of records) placeOf.set(opinion_id, trajectoryId)
    return records
  }
  async function stateOf(trajectory: Trajectory): Promise<LabelState> {
    const opinions = await opinionsOf(trajectory.trajectory_id)
    return { opinions, resolved: resolveRewards(trajectory, opinions) }
  }
  async function findOpinion(opinionId: string): Promise<string | null> {
    const known = placeOf.get(opinionId)
    if (known !== undefined) return known
    const owners = [
      ...(await store.datasets.list()).records.map(({ dataset_id }) => ({ dataset_id })),
      ...(await store.runs.list()).records.map(({ run_id }) => ({ run_id })),
    ]
    for (const owner of owners)
      for (const { trajectory_id } of (await store.trajectories.listOf(owner)).records)
        if ((await opinionsOf(trajectory_id)).some(({ opinion_id }) => opinion_id === opinionId)) return trajectory_id
    return null
  }

  return {
    async labels(trajectoryId) {
      const trajectory = await store.trajectories.get(trajectoryId)
      return trajectory ? stateOf(trajectory) : NONE
    },

    async add(news, annotator) {
      const first = news[0]
      if (!first) return refuse('empty', 'No opinion was given.')
      const trajectories = new Map<string, Trajectory>()
      const stored: Opinion[] = []
      for (const id of new Set(news.map(({ trajectory_id }) => trajectory_id))) {
        const trajectory = await store.trajectories.get(id)
        if (!trajectory) return refuse('unknown-trajectory', `There is no trajectory ${id}; its data set or run may have been removed.`)
        trajectories.set(id, trajectory)
        stored.push(...(await opinionsOf(id)))
      }
      const hasStep = (record: Trajectory | undefined, step: number): boolean => record !== undefined && step < stepsOf(record).length
      const outside = news.find(({ trajectory_id, step }) => !hasStep(trajectories.get(trajectory_id), step))
      if (outside) return refuse('unknown-step', `The trajectory has no step ${outside.step + 1}.`)
      let made: Opinion[]
      try {
        const plain = news.map(({ rationale, ...row }) => (rationale === undefined ? row : { ...row, rationale }))
        made = opinionRows(plain, { kind: 'HUMAN', id: annotator.trim() || 'you' }, stored, rows)
      } catch (error) {
        if (error instanceof OpinionValueError) return refuse('value', error.message)
        throw error
      }
      await store.opinions.add(made)
      const trajectory = trajectories.get(first.trajectory_id)
      return accept(trajectory ? await stateOf(trajectory) : NONE)
    },

    async undo(opinionId) {
      const trajectoryId = await findOpinion(opinionId)
      const trajectory = trajectoryId === null ? null : await store.trajectories.get(trajectoryId)
      if (!trajectory) return refuse('unknown-opinion', 'That opinion is not here any more.')
      const opinions = await opinionsOf(trajectory.trajectory_id)
      if (opinions.find(({ opinion_id }) => opinion_id === opinionId)?.annotator_kind !== 'HUMAN')
        return refuse('not-yours', 'What a file, a rule or a judge said cannot be taken back; give your own opinion, it wins.')
      const undone = undoRow(opinionId, opinions, rows)
      if (!undone.ok) return refuse(undone.code, undone.message)
      await store.opinions.add([undone.row])
      return accept(await stateOf(trajectory))
    },

    rewards: async (trajectory) => (await stateOf(trajectory)).resolved.map(({ value }) => value),

    async exportCsv(id) {
      const isDataset = (await store.datasets.get(id)) !== null
      if (!isDataset && !(await store.runs.get(id))) return refuse('unknown-dataset', `There is no data set ${id}.`)
      const all = (await store.trajectories.listOf(isDataset ? { dataset_id: id } : { run_id: id })).records
      const trajectories = isDataset ? all : all.filter(({ task }) => task.split === 'practice')
      const resolved = new Map<string, LabelState['resolved']>()
      for (const trajectory of trajectories) resolved.set(trajectory.trajectory_id, (await stateOf(trajectory)).resolved)
      const { csv, written, skipped } = writeSteptoolCsv(trajectories, ({ trajectory_id }) => resolved.get(trajectory_id) ?? [])
      const reason = skipped[0]
      if (written === 0)
        return refuse(
          'nothing-labelled',
          reason ? `No trajectory has a reward on every step: ${reason.reason}` : 'There are no trajectories to export.',
        )
      return accept(csv)
    },

    annotate: (id, how) =>
      attempt('annotate', async () => {
        if (!(await store.datasets.get(id))) return refuse('unknown-dataset', `There is no data set ${id}.`)
        let count = 0
        for (const trajectory of await datasetTrajectories(store, id)) {
          const stored = await opinionsOf(trajectory.trajectory_id)
          const added =
            how.by === 'world' ? annotateByWorld(trajectory, stored, rows) : annotateByRules(trajectory, stored, rows, how.rules)
          await store.opinions.add(added)
          count += added.length
        }
        return accept(count)
      }),

    exportFile: (ids, format) =>
      attempt('export', async () => {
        const annotated: { readonly trajectory: Trajectory; readonly opinions: readonly Opinion[] }[] = []
        for (const id of ids)
          for (const trajectory of await datasetTrajectories(store, id))
            annotated.push({ trajectory, opinions: await opinionsOf(trajectory.trajectory_id) })
        if (format === 'hone-jsonl') {
          const text = annotated.map(({ trajectory, opinions }) => honeJsonlLine(trajectory, opinions)).join('')
          return accept({ text, trajectories: annotated.length, skipped: [] })
        }
        const opinions = new Map(annotated.map((one) => [one.trajectory.trajectory_id, one.opinions]))
        const { csv, written, skipped } = writeSteptoolCsv(
          annotated.map(({ trajectory }) => trajectory),
          (trajectory) => resolveRewards(trajectory, opinions.get(trajectory.trajectory_id) ?? []),
        )
        return accept({ text: csv, trajectories: written, skipped })
      }),
  }
}
