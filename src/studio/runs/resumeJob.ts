/** The work of a run that is resumed: the request it began with, from its newest checkpoint on. */
import type { Store } from '../../storage/store'
import type { Reply } from '../../worker/protocol'
import { refuse } from '../failure'
import type { JobContext } from '../jobs/jobContext'
import type { JobWork } from '../jobs/jobControl'
import { originOf } from './resume'
import type { Runs } from './runs'
import { storyWork } from './storyJob'
import { trainWork } from './trainJob'

/** Refuses a run that is finished, that somebody works on, or that left nothing to resume from. */
export async function resumedWork(
  runId: string,
  { store, runs, context }: { readonly store: Store; readonly runs: Runs; readonly context: JobContext },
): Promise<Reply<JobWork>> {
  const [record, busy] = [await store.runs.get(runId), await runs.whyBusy(runId)]
  if (!record) return refuse('unknown-run', `There is no run ${runId}; it may have been removed.`)
  const origin = originOf(record)
  if (busy !== null) return refuse('at-work', busy)
  if (record.status === 'finished') return refuse('over', 'This run is finished: there is nothing to resume.')
  if (!origin) return refuse('no-checkpoint', 'This run left no checkpoint to resume from. Start a new run.')
  const { request } = origin
  return request.kind === 'train' ? trainWork(request, context, { record, origin }) : storyWork(request, context, { record, origin })
}
