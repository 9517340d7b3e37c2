/** The list that is labelled as a source of data: what it is called, and whether a run can be trained on it. */
import { practiceSourceId } from '../../../records/dataSource'
import { hrefs, type TrajectoryPlace } from '../../navigation/hrefs'
import { useDataSources } from '../../queries/datasets'
import { useRuns } from '../../queries/runs'
import type { Source } from '../../trajectory/useSources'

export interface LabelledSource {
  readonly place: TrajectoryPlace
  /** As a training request names it; null: nothing is chosen, or it holds nothing that may be trained on. */
  readonly id: string | null
  readonly name: string
  /** The form of a run that trains on it. */
  readonly trainHref: string | null
}

export function useLabelledSource(source: Source | null): LabelledSource {
  const listed = useDataSources().data
  const runs = useRuns().data
  const model = source?.kind === 'run' ? runs?.find(({ run_id }) => run_id === source.id)?.model.id : undefined
  const id = source === null ? null : source.kind === 'run' ? practiceSourceId(source.id) : source.id
  const known = id !== null && (listed?.some((row) => row.id === id) ?? false) ? id : null
  return {
    place: { dataset: source?.kind === 'dataset' ? source.id : null, run: source?.kind === 'run' ? source.id : null },
    id: known,
    name: source?.title ?? '',
    // Practice is trained on with the model that practised, unless the form names another one.
    trainHref: known === null ? null : hrefs.newRun(model === undefined ? { data: known } : { data: known, model }),
  }
}
