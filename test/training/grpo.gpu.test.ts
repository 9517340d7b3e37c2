/** Runs of GRPO on a two-layer model. Against TRL: test/cli/parity.gpu.test.ts; resumed and cut: equivalence.gpu.test.ts. */
import { describe, expect, it } from 'vitest'
import { EngineDevice } from '../../src/engine/device/engineDevice'
import type { TrainingContext } from '../../src/training/trainingContext'
import { runGrpo } from '../../src/training/algorithms/grpo/loop'
import { grpo } from '../../src/training/algorithms/grpo/algorithm'
import { groupAdvantages } from '../../src/training/algorithms/grpo/arithmetic'
import type { GrpoSample, GrpoSource } from '../../src/training/algorithms/grpo/groups'
import type { GrpoConfig } from '../../src/training/algorithms/grpo/config'
import { trainedPositions } from '../../src/training/batches/stepRewards'
import { adapterUnderTest, testDevice } from '../support/gpu'
import { someSequences, tinyContext, type Reported } from './tinyPolicy'

let opened: EngineDevice | null = null
/** One for the file: kernels compile once. */
const engineOf = async (): Promise<EngineDevice> => (opened ??= new EngineDevice(await testDevice(), { isSoftware: true }))

const small: Partial<GrpoConfig> = {
  ...{ learning_rate: 5e-3, generation_batch_size: 8, num_generations: 4, steps_per_generation: 2, lr_scheduler_type: 'linear' },
  ...{ lora_r: 4, lora_alpha: 8, lora_targets: ['q_proj', 'v_proj'] },
}

/** Two groups of four. */
const samples: readonly GrpoSample[] = someSequences(8).map((sequence, index) => ({
  ...{ sequence, group: `q${index >> 2}`, isTruncated: index % 3 === 2 },
}))
const given = (next: GrpoSource['next']): GrpoSource => ({ next })
const always = given(() => Promise.resolve(samples))

async function train(
  input: Partial<GrpoConfig>,
  context: Partial<TrainingContext> = {},
  source: GrpoSource = always,
): Promise<{ reports: Reported[]; weights: Float32Array }> {
  const { context: full, reports } = await tinyContext(await engineOf(), { steps: 3, ...context })
  const { policy } = await runGrpo(full, grpo.config.parse({ ...small, ...input }), source)
  const weights = await policy.packed.readWeights()
  await policy.destroy()
  return { reports, weights }
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length

describe(`GRPO on ${adapterUnderTest()}`, () => {
  it('reports every metric it explains; lengths are of all attempts, and of those that ended', async () => {
    const { reports } = await train({ beta: 0.05, mask_truncated_completions: true }, { steps: 1 })
    const [first] = reports.map(({ metrics }) => metrics)
    const expected = Object.keys(grpo.metrics).filter((name) => name !== 'cispo_clip_ratio')
    expect(Object.keys(first ?? {}).sort()).toEqual(expected.sort())
    expect(Object.entries(first ?? {}).filter(([, value]) => !Number.isFinite(value))).toEqual([])
    const lengths = samples.map(({ sequence }) => trainedPositions(sequence, 'no_score').length)
    const ended = lengths.filter((_, index) => samples[index]?.isTruncated === false)
    expect(first).toMatchObject({
      'completions/mean_length': mean(lengths),
      'completions/max_length': Math.max(...lengths),
      'completions/mean_terminated_length': mean(ended),
      'completions/min_terminated_length': Math.min(...ended),
      'completions/clipped_ratio': 2 / 8,
    })
    const cispo = await train({ loss_type: 'cispo', epsilon_high: 5 }, { steps: 1 })
    expect(Object.keys(cispo.reports[0]?.metrics ?? {})).toContain('cispo_clip_ratio')
    expect(Object.keys(cispo.reports[0]?.metrics ?? {}).filter((name) => name.startsWith('clip_ratio'))).toEqual([])
  })

  it('has a loss of 0 before the first update, but for how length goes with worth where tokens count alike', async () => {
    const loss = async (loss_type: GrpoConfig['loss_type']): Promise<number> =>
      (await train({ loss_type, steps_per_generation: 1 }, { steps: 1 })).reports[0]?.metrics.loss ?? Number.NaN
    expect(await loss('grpo')).toBeCloseTo(0, 6)
    const rewards = samples.map(({ sequence }) => sequence.rewards.at(-1) ?? null)
    const { advantages } = groupAdvantages(
      rewards,
      samples.map(({ group }) => group),
      'group',
    )
    const lengths = samples.map(({ sequence }) => trainedPositions(sequence, 'no_score').length)
    const left = -advantages.reduce((sum, advantage, index) => sum + advantage * (lengths[index] ?? 0), 0)
    expect(Math.abs(left)).toBeGreaterThan(0.1)
    expect(await loss('dapo')).toBeCloseTo(left / lengths.reduce((sum, length) => sum + length, 0), 6)
  })

  it('tells how far the policy is from the one that sampled', async () => {
    const told = (by: number): GrpoSource =>
      given(() =>
        Promise.resolve(
          samples.map((sample) => {
            const { sequence } = sample
            return { ...sample, sequence: { ...sequence, sampledLogp: sequence.stepOf.map((step) => (step < 0 ? Number.NaN : by)) } }
          }),
        ),
      )
    const ratio = async (by: number): Promise<number> =>
      (await train({}, { steps: 1 }, told(by))).reports[0]?.metrics['sampling/importance_sampling_ratio/mean'] ?? Number.NaN
    // The same tokens, said to have been e times less likely.
    expect((await ratio(-5)) / (await ratio(-4))).toBeCloseTo(Math.E, 5)
  })

  it('a batch of which masks leave nothing, and one of no attempts, pass by; the run goes on', async () => {
    const cut = samples.map((sample) => ({ ...sample, isTruncated: true }))
    const batches = [cut, [], samples]
    const { reports, weights } = await train(
      { mask_truncated_completions: true },
      {},
      given((step) => Promise.resolve(batches[step] ?? null)),
    )
    expect(reports.map(({ metrics }) => metrics.grad_norm === 0)).toEqual([true, true, false])
    expect(reports[0]?.metrics).toMatchObject({ loss: 0, 'completions/clipped_ratio': 1, 'completions/mean_terminated_length': 0 })
    for (const { metrics } of reports) expect(Object.values(metrics).filter((value) => !Number.isFinite(value))).toEqual([])
    expect(weights.every(Number.isFinite)).toBe(true)
    // Where nothing is masked an attempt without a token is no attempt.
    const silent = samples.map((sample) => ({ ...sample, sequence: { ...sample.sequence, stepOf: sample.sequence.stepOf.map(() => -1) } }))
    await expect(
      train(
        {},
        {},
        given(() => Promise.resolve(silent)),
      ),
    ).rejects.toThrow('none of its 8 attempts has a token to train on')
  })
})
