import type { RunRecord } from '../../records/run'
import { formatWhen } from '../format'
import { useMethodTitle } from '../stores/studio'

/** Method, model, seed and time of a run in one line. */
export function useRunAbout(run: RunRecord | null): string {
  const methodTitle = useMethodTitle()
  if (!run) return ''
  return [methodTitle(run.algorithm) ?? '', run.model.id, `seed ${run.seed}`, formatWhen(run.created_at)]
    .filter((part) => part !== '')
    .join(' · ')
}
