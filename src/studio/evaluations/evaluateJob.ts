/** Evaluates a model, with or without an adapter, on a split of a benchmark. */
import type { EvaluateRequest } from '../../records/requests'
import type { Reply } from '../../worker/protocol'
import { accept } from '../failure'
import type { JobContext } from '../jobs/jobContext'
import type { JobWork } from '../jobs/jobControl'
import { actingWork, modelOf, openActing } from './acting'
import { evaluatePolicy } from './evaluatePolicy'

export async function evaluateWork(request: EvaluateRequest, context: JobContext): Promise<Reply<JobWork>> {
  const opened = await openActing(request, context)
  if (!opened.ok) return opened
  const { title, benchmark, queries, choice, maxCalls, sampling, speaker } = opened.value
  const work = actingWork(request, opened.value, context, async (policy, recorder, control) => {
    const exam = {
      ...{ title, benchmark, split: request.split, queries, ...choice, callBudget: maxCalls },
      ...{ temperature: request.temperature, sampling, seed: request.seed },
      model: { id: modelOf(speaker).id, adapter_sha256: modelOf(speaker).adapterSha256 },
      shownAs: { phase: 'evaluating', message: 'The model sits the exam' } as const,
    }
    await evaluatePolicy(policy, exam, 'before', recorder, control, context.evaluationParts)
  })
  const placed = await context.placeRun(work.runId, 'evaluate', request.folder)
  return placed.ok ? accept(work) : placed
}
