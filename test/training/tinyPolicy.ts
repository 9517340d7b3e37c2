/** The tiny random Qwen2 of test/golden as something to train: contexts for runs, a two-step task it can learn, memory for checkpoints. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createRng } from '../../src/base/random'
import type { EngineDevice } from '../../src/engine/device/engineDevice'
import { parseModelConfig } from '../../src/models/architectures/config'
import { sourceFromBytes } from '../../src/models/weights/byteSource'
import { openSafetensors } from '../../src/models/weights/safetensors'
import type { CheckpointSink, TrainingCheckpoint } from '../../src/training/checkpoints/checkpoint'
import type { TrainingContext } from '../../src/training/trainingContext'
import { packSequences, uploadBatch } from '../../src/training/batches/packing'
import type { PolicyModel } from '../../src/training/policy/policyModel'
import type { BatchSource } from '../../src/training/batches/batchLayout'
import type { TokenizedTrajectory } from '../../src/training/batches/tokenizedTrajectory'

export const golden = join(import.meta.dirname, '../golden')

export interface Reported {
  readonly step: number
  readonly metrics: Readonly<Record<string, number>>
}

export async function tinyContext(
  engine: EngineDevice,
  options: Partial<TrainingContext> = {},
): Promise<{ context: TrainingContext; reports: Reported[] }> {
  const weights = await openSafetensors(sourceFromBytes(readFileSync(join(golden, 'tiny_qwen2/model.safetensors'))), 'model.safetensors')
  const reports: Reported[] = []
  const context: TrainingContext = {
    engine,
    model: parseModelConfig(JSON.parse(readFileSync(join(golden, 'tiny_qwen2/config.json'), 'utf8'))),
    reader: { read: (name, shape) => weights.float32(name, shape) },
    seed: 5,
    steps: 2,
    gate: () => undefined,
    report: (step, metrics) => reports.push({ step, metrics }),
    checkpoints: null,
    checkpointEvery: 1,
    now: () => 0,
    ...options,
  }
  return { context, reports }
}

export function memoryCheckpoints(start: TrainingCheckpoint | null = null): CheckpointSink & { readonly saved: TrainingCheckpoint[] } {
  const saved: TrainingCheckpoint[] = []
  return {
    saved,
    load: () => Promise.resolve(saved.at(-1) ?? start),
    save: (checkpoint) => Promise.resolve(void saved.push(structuredClone(checkpoint))),
  }
}

/** Fixed trajectories of two or three steps with random ids and rewards; some steps are longer than others. */
export function someSequences(count: number, seed = 3): TokenizedTrajectory[] {
  return Array.from({ length: count }, (_, index) => {
    const rng = createRng(seed, 17, index)
    const lengths = [3 + rng.int(3), 1 + rng.int(4), 2 + rng.int(3), 2 + rng.int(3)]
    const stepOf = lengths.flatMap((length, part) => Array.from({ length }, () => (part % 2 === 1 ? (part - 1) / 2 : -1)))
    return {
      trajectoryId: `fixed/${index}`,
      ids: stepOf.map(() => rng.int(96)),
      stepOf,
      rewards: [rng.int(5) / 4, rng.int(2)],
      stepIndex: [0, 1],
      sampledLogp: stepOf.map((step) => (step < 0 ? Number.NaN : -4)),
      truncatedTokens: 0,
      truncatedSteps: [],
      notTrainedSteps: [],
    }
  })
}

const ACTIONS = [11, 23, 42, 77] as const

/**
 * On-policy episodes of a task with two calls: the prompt (or the reply) names the action that is right. Actions are drawn from the policy's own
 * probabilities over four tokens; each right one earns 1.
 */
export function twoCallTask(seed: number, episodes: number): BatchSource & { readonly meanReward: number[] } {
  const meanReward: number[] = []
  return {
    meanReward,
    next: async (batchIndex, policy) => {
      const open = Array.from({ length: episodes }, (_, index) => {
        const rng = createRng(seed, 31, batchIndex, index)
        return { rng, wanted: [rng.int(4), rng.int(4)], ids: [5, 6], stepOf: [-1, -1], rewards: [] as number[] }
      })
      for (const step of [0, 1]) {
        for (const episode of open) {
          episode.ids.push(50 + (episode.wanted[step] ?? 0), 8)
          episode.stepOf.push(-1, -1)
        }
        const scores = await actionLogProbs(
          policy,
          open.map(({ ids }) => ids),
        )
        open.forEach((episode, index) => {
          const weights = (scores[index] ?? []).map(Math.exp)
          let left = episode.rng.uniform() * weights.reduce((sum, weight) => sum + weight, 0)
          const drawn = weights.findIndex((weight) => (left -= weight) < 0)
          const action = drawn < 0 ? 3 : drawn
          episode.ids.push(ACTIONS[action] ?? 0)
          episode.stepOf.push(step)
          episode.rewards.push(Number(action === episode.wanted[step]))
        })
      }
      meanReward.push(open.flatMap(({ rewards }) => rewards).reduce((sum, reward) => sum + reward, 0) / (2 * episodes))
      return open.map(({ ids, stepOf, rewards }, index) => ({
        trajectoryId: `${batchIndex}/${index}`,
        ids,
        stepOf,
        rewards,
        stepIndex: [0, 1],
        truncatedTokens: 0,
        truncatedSteps: [],
        notTrainedSteps: [],
      }))
    },
  }
}

async function actionLogProbs(policy: PolicyModel, prompts: readonly (readonly number[])[]): Promise<number[][]> {
  const sequences = prompts.flatMap((prompt) => ACTIONS.map((action) => ({ ids: [...prompt, action], targets: [prompt.length] })))
  const packed = packSequences(sequences, policy.model.config.vocab_size)
  const score = await policy.score(packed.tokenBucket, packed.targetBucket)
  uploadBatch(score, packed)
  await score.run()
  const logp = await score.readOutput('logp', packed.targetCount)
  return prompts.map((_, index) => [...logp.slice(index * 4, index * 4 + 4)])
}
