/**
 * Rejection-sampling fine-tuning (Yuan 2023, arXiv:2308.01825; StepTool's RFT baseline), read top to bottom:
 *   sample    num_generations attempts at each of a batch of queries by the current policy, or the attempts of a data set
 *   select    those whose reward reaches reward_threshold, without duplicates, at most max_samples_per_query per query
 *   imitate   −log p of their own tokens, as supervised fine-tuning does it (sft.ts), num_train_epochs times
 * More than one of sampling_rounds is expert iteration (RAFT, arXiv:2304.06767): each round samples from what the last one made.
 * An attempt that ends well may have taken bad steps: `step_filtered`, our own, leaves steps labelled 0 without loss.
 */
import { z } from 'zod'
import { samplesOf } from '../../batches/sampleSource'
import type { SampleSource } from '../../batches/sampleSource'
import type { TrainingContext } from '../../trainingContext'
import type { PolicyModel } from '../../policy/policyModel'
import type { RftConfig } from './config'
import { nothingKeptSentence, selectionSentence, selectPasses } from './selection'
import type { RftAttempt, RftCounts, RftSelection } from './selection'
import { imitate, sftPlace, sftPolicy, sftStart } from '../sft/loop'
import { fillBatch } from '../sft/microBatches'

/** The source of attempts. */
export interface RftSource {
  /** Whether each round samples new attempts from the current policy; otherwise every call returns the same ones. */
  readonly isFresh: boolean
  next(step: number, policy: PolicyModel): Promise<readonly RftAttempt[]>
}

export interface RftResult {
  readonly policy: PolicyModel
  readonly steps: number
}

/** The caller owns the returned policy. A run that fails or is stopped by its gate leaves nothing on the GPU. */
export async function runRft(
  context: TrainingContext,
  settings: RftConfig,
  source: RftSource,
  onNote: (sentence: string) => void = () => undefined,
): Promise<RftResult> {
  const { generation_batch_size: attempts, num_generations: each } = settings
  if (source.isFresh && attempts % each !== 0)
    throw new Error(`generation_batch_size ${attempts} is no multiple of num_generations ${each}: queries would be cut`)
  const policy = await sftPolicy(context, settings)
  try {
    return { policy, steps: await train(policy, context, settings, source, onNote) }
  } catch (error) {
    await policy.destroy().catch(() => undefined)
    throw error
  }
}

const count = z.int().nonnegative()
const sequenceSchema = z.object({ ids: z.array(z.int()), targets: z.array(z.int()) })
const countsSchema = z.object({
  ...{ sampled: count, passed: count, blank: count, deduped: count, capped: count, kept: count, queries: count, filteredSteps: count },
})
/** The state of a round. It includes the selected attempts, because the policy that sampled them no longer exists. */
const saved = sftPlace.extend({ round: count, end: count, counts: countsSchema, kept: z.array(sequenceSchema) })

async function train(
  policy: PolicyModel,
  context: TrainingContext,
  settings: RftConfig,
  source: RftSource,
  onNote: (sentence: string) => void,
): Promise<number> {
  const total = context.steps ?? settings.max_steps
  const rounds = Math.min(source.isFresh ? settings.sampling_rounds : 1, total)
  const checkpoint = await context.checkpoints?.load()
  const resumed = checkpoint ? saved.parse(checkpoint.state) : null
  if (checkpoint) policy.restore(checkpoint.arrays)
  let step = checkpoint?.step ?? 0
  let { cursor, tokens, end } = resumed ?? { ...sftStart, end: 0 }
  let selection: RftSelection | null = resumed && source.isFresh ? resumed : null

  for (let round = resumed?.round ?? 0; round < rounds; round++) {
    const isResumed = round === resumed?.round

    // Sample and select. A data set returns the same attempts again; the rollouts of a round are not repeated.
    if (!isResumed || !source.isFresh) {
      const drawnAt = round === 0 ? 0 : step
      const attempts = await source.next(drawnAt, policy)
      const { kept, counts } = selectPasses(attempts, settings, context.seed, drawnAt)
      if (kept.length === 0 && selection === null) throw new Error(nothingKeptSentence(attempts, counts, settings))
      onNote(roundNote(counts, round, rounds))
      selection = { counts, kept: kept.length > 0 ? kept : (selection?.kept ?? []) }
    }
    if (selection === null) throw new Error('a round of RFT has nothing to imitate')
    const { kept, counts } = selection
    const data = samplesOf(kept)
    if (!isResumed) {
      cursor = 0
      end = Math.min(step + updatesOf(data, settings, context.model), Math.floor((total * (round + 1)) / rounds))
      if (rounds === 1 && end < total) onNote(`${settings.num_train_epochs} passes over these take ${end} updates: the run ends there.`)
    }

    // Imitate.
    const report: TrainingContext['report'] = (at, metrics) => context.report(at, { ...metrics, ...countMetrics(counts) })
    ;({ cursor, tokens } = await imitate(policy, { ...context, report }, settings, {
      ...{ data, first: step, end, from: { cursor, tokens } },
      // How many updates several rounds take is not known beforehand.
      total: rounds === 1 ? end : total,
      state: { round, end, counts, kept: source.isFresh ? kept : [] },
    }))
    step = end
  }
  return step
}

/** Updates that num_train_epochs passes take. */
function updatesOf(samples: SampleSource, settings: RftConfig, model: TrainingContext['model']): number {
  let [cursor, micros] = [0, 0]
  while (cursor < settings.num_train_epochs * samples.length) {
    ;({ cursor } = fillBatch(samples, cursor, settings.tokens_per_batch, model))
    micros += 1
  }
  return Math.ceil(micros / settings.gradient_accumulation_steps)
}

function roundNote(counts: RftCounts, round: number, rounds: number): string {
  const where = rounds === 1 ? '' : `Round ${round + 1} of ${rounds}: `
  const again = counts.kept === 0 ? ' Training continued with the attempts kept before.' : ''
  return `${where}${selectionSentence(counts)}${again}`
}

const countMetrics = (counts: RftCounts): Record<string, number> => ({
  'rft/sampled': counts.sampled,
  'rft/passed': counts.passed,
  'rft/blank': counts.blank,
  'rft/deduped': counts.deduped,
  'rft/capped': counts.capped,
  'rft/kept': counts.kept,
  'rft/queries': counts.queries,
  'rft/filtered_steps': counts.filteredSteps,
})
