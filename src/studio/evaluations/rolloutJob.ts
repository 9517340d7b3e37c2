/** A model acts on queries of a benchmark; every attempt is stored, with token ids and log-probs, as data to label and train on. */
import type { RolloutRequest } from '../../records/requests'
import type { Reply } from '../../worker/protocol'
import { accept } from '../failure'
import type { JobContext } from '../jobs/jobContext'
import type { JobWork } from '../jobs/jobControl'
import { retryWhenStorageFull } from '../storage/retryWhenStorageFull'
import { actingWork, openActing } from './acting'

export async function rolloutWork(request: RolloutRequest, context: JobContext): Promise<Reply<JobWork>> {
  const opened = await openActing(request, context)
  if (!opened.ok) return opened
  const { benchmark, queries, choice, maxCalls, sampling } = opened.value
  const work = actingWork(request, opened.value, context, async (policy, _recorder, control) => {
    const total = queries.length * request.samples
    control.phase('rollout', total, 'Rolling out')
    let done = 0
    const attempts = await policy.rollout({
      ...{ environment: benchmark.environment, queries, samples: request.samples, ...choice, sampling },
      ...{ temperature: request.temperature, callBudget: maxCalls, signal: control.signal },
      onText: (text) => {
        context.evaluationParts.emit({ type: 'token', run_id: control.runId, text })
      },
      onTrajectory: () => {
        control.advance((done += 1))
      },
    })
    // In the order of queries and samples, whatever order they ended in.
    const named = attempts.map((attempt) => ({
      ...attempt,
      trajectory_id: `${control.runId}/rollout/${attempt.task.query_id}/${attempt.sample}`,
      source: `run:${control.runId}`,
    }))
    await retryWhenStorageFull(control, () => context.store.trajectories.put({ run_id: control.runId }, named))
  })
  const placed = await context.placeRun(work.runId, 'rollout', request.folder)
  return placed.ok ? accept(work) : placed
}
