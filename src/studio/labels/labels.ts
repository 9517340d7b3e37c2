/** Labels: rows that are only added, the reward they resolve to, and taking one's own back. */
import { annotateByRules, annotateByWorld } from '../../annotation/rules'
import { undoRow, type RowParts } from '../../annotation/opinions'
import type { Trajectory } from '../../records/trajectory'
import type { Store } from '../../storage/store'
import type { LabelState, NewOpinion, Reply } from '../../worker/protocol'
import type { AnnotateBy, ExportedFile } from '../../worker/studioApi'
import { openDataSource } from '../data/dataSources'
import { accept, attempt, refuse } from '../failure'
import { addOpinions } from './addOpinions'
import { exportCsv, exportFile } from './exportLabels'
import { createStoredOpinions } from './storedOpinions'

export interface Labels {
  labels(trajectoryId: string): Promise<LabelState>
  add(rows: readonly NewOpinion[], annotator: string): Promise<Reply<LabelState>>
  undo(opinionId: string): Promise<Reply<LabelState>>
  /** The reward of each step, as training takes it. */
  rewards(trajectory: Trajectory): Promise<readonly (number | null)[]>
  /** StepTool's CSV of a data set, or of a run's practice. */
  exportCsv(id: string): Promise<Reply<string>>
  annotate(sourceId: string, how: AnnotateBy): Promise<Reply<number>>
  exportFile(sourceIds: readonly string[], format: 'steptool-csv' | 'hone-jsonl'): Promise<Reply<ExportedFile>>
}

/** Trajectories whose opinions are read and added at once: a run's folder writes a file for each time. */
const ANNOTATED_AT_ONCE = 200

const NONE: LabelState = { opinions: [], resolved: [] }

export function createLabels({ store, rows }: { readonly store: Store; readonly rows: RowParts }): Labels {
  const opinions = createStoredOpinions(store)
  return {
    async labels(trajectoryId) {
      const trajectory = await store.trajectories.get(trajectoryId)
      return trajectory ? opinions.stateOf(trajectory) : NONE
    },
    add: (news, annotator) => addOpinions(news, annotator, { store, rows, opinions }),
    async undo(opinionId) {
      const trajectoryId = await opinions.trajectoryOf(opinionId)
      const trajectory = trajectoryId === null ? null : await store.trajectories.get(trajectoryId)
      if (!trajectory) return refuse('unknown-opinion', 'This opinion is not stored any more; its data set or run may have been removed.')
      const stored = await opinions.of(trajectory.trajectory_id)
      if (stored.find(({ opinion_id }) => opinion_id === opinionId)?.annotator_kind !== 'HUMAN')
        return refuse(
          'not-yours',
          'The opinion of a file, a rule or a judge cannot be taken back. Give your own opinion: it takes precedence.',
        )
      const undone = undoRow(opinionId, stored, rows)
      if (!undone.ok) return refuse(undone.code, undone.message)
      await store.opinions.add([undone.row])
      return accept(await opinions.stateOf(trajectory))
    },
    rewards: async (trajectory) => (await opinions.stateOf(trajectory)).resolved.map(({ value }) => value),
    exportCsv: (id) => exportCsv(id, store, opinions),
    annotate: (id, how) =>
      attempt('annotate', async () => {
        const source = await openDataSource(store, id)
        if (!source.ok) return source
        const { trajectories } = source.value
        let count = 0
        for (let done = 0; done < trajectories.length; done += ANNOTATED_AT_ONCE) {
          const piece = trajectories.slice(done, done + ANNOTATED_AT_ONCE)
          const given = await opinions.ofEach(piece)
          const added = piece.flatMap((trajectory) => {
            const stored = given.get(trajectory.trajectory_id) ?? []
            return how.by === 'world' ? annotateByWorld(trajectory, stored, rows) : annotateByRules(trajectory, stored, rows, how.rules)
          })
          await store.opinions.add(added)
          count += added.length
        }
        return accept(count)
      }),
    exportFile: (ids, format) => attempt('export', () => exportFile(ids, format, store, opinions)),
  }
}
