/**
 * A small task with a known optimum, for every algorithm to learn: two calls, each of which a token before it names. The policy is the tiny
 * Qwen2 of test/golden after a warm start that taught it to answer with one of four actions, each as often: it starts at ¼ and can reach 1.
 * Practice is drawn by the studio's own generator at temperature 1; what a policy is worth is computed from its probabilities, not sampled.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createRng } from '../../src/base/random'
import { fullDeviceDescriptor, openNodeAdapter } from '../../src/cli/node/dawn'
import { EngineDevice } from '../../src/engine/device/engineDevice'
import { parseModelConfig } from '../../src/models/architectures/config'
import { Generator } from '../../src/models/generate'
import type { WeightReader } from '../../src/models/languageModel'
import { sourceFromBytes } from '../../src/models/weights/byteSource'
import { openSafetensors } from '../../src/models/weights/safetensors'
import type { SampleSource } from '../../src/training/batches/sampleSource'
import type { TrainingContext } from '../../src/training/trainingContext'
import { runSft } from '../../src/training/algorithms/sft/loop'
import { sft } from '../../src/training/algorithms/sft/algorithm'
import { packSequences, uploadBatch } from '../../src/training/batches/packing'
import type { Sequence } from '../../src/training/batches/packing'
import type { PolicyModel } from '../../src/training/policy/policyModel'
import type { TokenizedTrajectory } from '../../src/training/batches/tokenizedTrajectory'
import { projectRoot } from '../support/sources'
import { learnAdapter } from './honeRun'

const golden = join(projectRoot, 'test/golden/tiny_qwen2')
const config = parseModelConfig(JSON.parse(readFileSync(join(golden, 'config.json'), 'utf8')))

/** Tokens of the four actions; the token that asks for action i is ASK + i. */
const ACTIONS = [11, 23, 42, 77] as const
const ASK = 50
const PROMPT = [5, 6] as const
const ANSWER = 8
const STEPS = 2
/** Share of right calls when actions are drawn blindly, and when all are right. */
const CHANCE = 1 / ACTIONS.length

type Wanted = readonly [number, number]
/** Every query of the task. */
export const queries: readonly Wanted[] = ACTIONS.flatMap((_, first) => ACTIONS.map((_, second) => [first, second] as const))

const ask = (wanted: number): number[] => [ASK + wanted, ANSWER]
const contextOf = ([first]: Wanted): number[] => [...PROMPT, ...ask(first)]

export interface Episode {
  readonly query: number
  readonly sequence: TokenizedTrajectory
  /** 1 for each right call. */
  readonly right: readonly number[]
}

function episodeOf(id: string, query: number, actions: readonly number[]): Episode {
  const wanted = queries[query] ?? [0, 0]
  const ids = [...contextOf(wanted), actions[0] ?? 0, ...ask(wanted[1]), actions[1] ?? 0]
  const right = actions.map((action, step) => Number(action === ACTIONS[wanted[step] ?? 0]))
  return {
    query,
    right,
    sequence: {
      ...{ trajectoryId: id, ids, stepOf: [-1, -1, -1, -1, 0, -1, -1, 1], rewards: right, stepIndex: [0, 1] },
      ...{ truncatedTokens: 0, truncatedSteps: [], notTrainedSteps: [] },
    },
  }
}

export const solved = ({ right }: Episode): number => Number(right.every((one) => one === 1))

/** The same episodes with the rewards `rewardsOf` gives; a control hands the rewards of another episode to each. */
export function rewarded(
  episodes: readonly Episode[],
  rewardsOf: (one: Episode) => readonly number[],
  shuffledBy: number | null,
): TokenizedTrajectory[] {
  const rewards = episodes.map(rewardsOf)
  const given = shuffledBy === null ? rewards : createRng(shuffledBy, 401).shuffle(rewards)
  return episodes.map(({ sequence }, index) => ({ ...sequence, rewards: given[index] ?? [] }))
}

/** Expert episodes, one of each query in turn; with `blind` every action is drawn at random. */
function demonstrations(blind: number | null): SampleSource {
  return {
    length: 4096,
    sample: (index): Sequence => {
      const rng = createRng(blind ?? 0, 402, index)
      const query = index % queries.length
      const actions = (queries[query] ?? [0, 0]).map((wanted) => ACTIONS[blind === null ? wanted : rng.int(4)] ?? 0)
      return { ids: episodeOf('expert', query, actions).sequence.ids, targets: [4, 7] }
    },
  }
}
export const expertSamples = demonstrations(null)
export const blindSamples = (seed: number): SampleSource => demonstrations(1000 + seed)

/** Two calls at each of the given queries by the policy as it is. One is made for a run; `version` counts its batches. */
export class Practice {
  #generator: Generator | null = null
  readonly #seed: number
  constructor(seed: number) {
    this.#seed = seed
  }

  async episodes(policy: PolicyModel, batch: number, asked: readonly number[]): Promise<Episode[]> {
    const { trainable } = policy
    this.#generator ??= new Generator({
      ...{ model: policy.model, lookup: policy.model.lookup(policy.packed), lora: trainable.kind === 'lora' ? trainable.lora : null },
      ...{ slots: 64, maxContext: 16, maxNewTokens: 1, seed: this.#seed, stepsPerLook: 1 },
    })
    const generator = this.#generator
    generator.version = batch
    return Promise.all(
      asked.map(async (query, sample) => {
        const wanted = queries[query] ?? [0, 0]
        const session = await generator.open({ query, sample })
        const actions: number[] = []
        for (const context of [contextOf(wanted), ask(wanted[1])]) {
          const { ids } = await session.extend(context, { maxNewTokens: 1, temperature: 1, stopIds: [] })
          actions.push(ids[0] ?? 0)
        }
        session.close()
        return episodeOf(`${batch}/${sample}`, query, actions)
      }),
    )
  }

  async destroy(): Promise<void> {
    await this.#generator?.destroy()
  }
}

/** Mean probability of the right call: of the first, and of the second after a right first one. */
async function worth(policy: PolicyModel): Promise<number> {
  const sequences = queries.map((wanted, query) => ({
    ids: episodeOf('right', query, [ACTIONS[wanted[0]] ?? 0, ACTIONS[wanted[1]] ?? 0]).sequence.ids,
    targets: [4, 7],
  }))
  const packed = packSequences(sequences, config.vocab_size)
  const score = await policy.score(packed.tokenBucket, packed.targetBucket)
  uploadBatch(score, packed)
  await score.run()
  const logp = await score.readOutput('logp', packed.targetCount)
  return logp.reduce((sum, value) => sum + Math.exp(value), 0) / (STEPS * queries.length)
}

let opened: Promise<{ engine: EngineDevice; reader: WeightReader }> | null = null

/** The device, and the weights every run starts from. */
function start(): Promise<{ engine: EngineDevice; reader: WeightReader }> {
  return (opened ??= (async () => {
    const { adapter, name } = await openNodeAdapter(learnAdapter)
    const engine = new EngineDevice(await adapter.requestDevice(fullDeviceDescriptor(adapter)), { isSoftware: name !== 'default' })
    const file = await openSafetensors(sourceFromBytes(readFileSync(join(golden, 'model.safetensors'))), 'model.safetensors')
    const context = contextWith(engine, { read: (tensor, shape) => file.float32(tensor, shape) }, 1, 150)
    const settings = { trainable: 'all', learning_rate: 5e-3, tokens_per_batch: 512, warmup_steps: 5 }
    const { policy } = await runSft(context, sft.config.parse(settings), blindSamples(1))
    const weights = policy.packed.unpack(await policy.packed.readWeights())
    await policy.destroy()
    const reader: WeightReader = {
      read: (tensor, shape) => {
        const found = weights.get(tensor)
        return found ? Promise.resolve(found) : file.float32(tensor, shape)
      },
    }
    return { engine, reader }
  })())
}

const contextWith = (engine: EngineDevice, reader: WeightReader, seed: number, steps: number): TrainingContext => ({
  ...{ engine, model: config, reader, seed, steps, checkpoints: null, checkpointEvery: 1000 },
  gate: () => undefined,
  report: () => undefined,
  now: () => 0,
})

export type LearningRun = (context: TrainingContext, shuffledBy: number | null) => Promise<PolicyModel>

/** What share of the way from the start to the optimum a run goes; written to `results/two-calls-<adapter>.json`. */
export async function gapClosed(algorithm: string, run: LearningRun, seed: number, steps: number, isControl = false): Promise<number> {
  const { engine, reader } = await start()
  const context = contextWith(engine, reader, seed, steps)
  const began = performance.now()
  const policy = await run(context, isControl ? seed : null)
  const after = await worth(policy)
  await policy.destroy()
  const before = await startWorth(context)
  const closed = (after - before) / (1 - before)
  const seconds = Math.round((performance.now() - began) / 1000)
  const line = { seed, isControl, before: round(before), after: round(after), closed: round(closed), seconds }
  process.stdout.write(`${algorithm} ${JSON.stringify(line)}\n`)
  keep(algorithm, line)
  return closed
}

async function startWorth(context: TrainingContext): Promise<number> {
  // A fresh adapter changes nothing: no update is taken.
  const { policy } = await runSft({ ...context, steps: 0 }, sft.config.parse({}), expertSamples)
  const found = await worth(policy)
  await policy.destroy()
  if (Math.abs(found - CHANCE) > 0.05) throw new Error(`the warm start should leave right calls to chance (¼), found ${found}`)
  return found
}

const round = (value: number): number => Number(value.toFixed(4))

function keep(algorithm: string, line: { readonly seed: number; readonly isControl: boolean }): void {
  const folder = join(projectRoot, 'test/learn/results')
  const path = join(folder, `two-calls-${learnAdapter}.json`)
  mkdirSync(folder, { recursive: true })
  let known: Record<string, (typeof line)[]> = {}
  try {
    known = JSON.parse(readFileSync(path, 'utf8')) as typeof known
  } catch {
    // The first run.
  }
  const others = (known[algorithm] ?? []).filter(({ seed, isControl }) => seed !== line.seed || isControl !== line.isControl)
  const next = { ...known, [algorithm]: [...others, line] }
  const sorted = Object.fromEntries(Object.entries(next).toSorted(([a], [b]) => a.localeCompare(b)))
  writeFileSync(path, `${JSON.stringify(sorted, null, 1)}\n`)
}
