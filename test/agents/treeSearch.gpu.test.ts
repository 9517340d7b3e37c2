/** Searches with the starter model: what the cache shares changes no token, and little is computed twice. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { compact } from '../../src/agents/callFormats/compact'
import type { DrawKey, Policy, PolicySession } from '../../src/agents/policy'
import { localAgent, rolloutEpisodes } from '../../src/agents/rollout'
import type { StrategyChoice } from '../../src/agents/strategies/strategyChoice'
import { EngineDevice } from '../../src/engine/device/engineDevice'
import { createStarterWorld } from '../../src/environments/starter/world'
import { parseModelConfig } from '../../src/models/architectures/config'
import { Generator, type GeneratorOptions } from '../../src/models/generate'
import { LanguageModel } from '../../src/models/languageModel'
import { sourceFromBytes } from '../../src/models/weights/byteSource'
import { openSafetensors } from '../../src/models/weights/safetensors'
import { stepsOf, type Trajectory } from '../../src/records/trajectory'
import { codec, starterJson } from '../environments/starterFiles'
import { testDevice } from '../support/gpu'
import { projectRoot } from '../support/sources'

/** How many queries are attempted; more by hand, as `HONE_TREE_QUERIES=50`. */
const QUERIES = Number(process.env.HONE_TREE_QUERIES ?? 4)

async function starterModel(): Promise<LanguageModel> {
  const engine = new EngineDevice(await testDevice(), { isSoftware: true })
  const weights = await openSafetensors(sourceFromBytes(readFileSync(join(projectRoot, 'public/starter/model.safetensors'))), 'model')
  return LanguageModel.load(engine, parseModelConfig(starterJson('config.json')), { read: (name, shape) => weights.float32(name, shape) })
}

/** What an extend read: the ids of the session before it, and those that it appended. */
interface Extend {
  readonly before: readonly number[]
  readonly prompt: readonly number[]
}
/** Of each query. */
type Read = Map<number, Extend[]>

/** The generator, and what its sessions read, by query. */
function noted(generator: Generator, read: Read): Policy {
  const watch = (session: PolicySession, { query }: DrawKey, past: readonly number[]): PolicySession => {
    const context = [...past]
    return {
      get length() {
        return session.length
      },
      fork: async (key) => watch(await session.fork(key), key, context),
      close: () => {
        session.close()
      },
      async extend(ids, options) {
        read.set(query, [...(read.get(query) ?? []), { before: [...context], prompt: [...ids] }])
        const made = await session.extend(ids, options)
        context.push(...ids, ...made.ids)
        return made
      },
    }
  }
  return { maxContext: generator.maxContext, open: async (key) => watch(await generator.open(key), key, []) }
}

interface Searched {
  readonly trajectories: readonly Trajectory[]
  readonly read: Read
  readonly computed: number
  readonly recomputed: number
}

async function search(model: LanguageModel, choice: StrategyChoice, options: Partial<GeneratorOptions> = {}): Promise<Searched> {
  const generator = new Generator({
    ...{ model, lookup: model.lookup(), lora: null, slots: 4, maxContext: 256, maxNewTokens: 48, seed: 3 },
    ...options,
  })
  const read: Read = new Map()
  const world = createStarterWorld()
  const limits = { codec, format: compact, temperature: 1, maxNewTokens: 48, maxContext: 256 }
  const trajectories = await rolloutEpisodes({
    agent: localAgent(noted(generator, read), limits),
    ...{ environment: world, queries: world.queries('exam').slice(40, 40 + QUERIES), samples: 1, source: 'test' },
    ...{ strategy: choice.strategy, strategySettings: choice.strategySettings ?? {} },
    budget: { toolCalls: 12, modelCalls: choice.modelCalls ?? null },
  })
  const { computedTokens: computed, recomputedTokens: recomputed } = generator
  await generator.destroy()
  return { trajectories, read, computed, recomputed }
}

/** How many tokens the extends of an attempt appended, those after the same beginning once. */
function promptTokens(made: readonly Extend[]): number {
  interface Branch {
    isPrompt: boolean
    readonly next: Map<number, Branch>
  }
  const branch = (): Branch => ({ isPrompt: false, next: new Map() })
  const root = branch()
  let count = 0
  for (const { before, prompt } of made) {
    let at = root
    for (const [place, id] of [...before, ...prompt].entries()) {
      const next = at.next.get(id) ?? branch()
      at.next.set(id, next)
      at = next
      if (place < before.length || at.isPrompt) continue
      at.isPrompt = true
      count++
    }
  }
  return count
}

const total = (numbers: readonly number[]): number => numbers.reduce((sum, one) => sum + one, 0)
const sampledIn = ({ trajectories }: Searched): number => total(trajectories.map(({ spent }) => spent.sampled_tokens ?? 0))
const promptsIn = ({ read }: Searched): number => total([...read.values()].map(promptTokens))

test('a search computes each token once, and gives the same tokens with one slot, without sharing and with few blocks', async () => {
  const model = await starterModel()
  for (const diversity_seen_by of ['turn', 'subtree'] as const) {
    const choice: StrategyChoice = { strategy: 'dfsdt', strategySettings: { depth: 3, diversity_seen_by }, modelCalls: 12 }
    const found = await search(model, choice)
    const steps = total(found.trajectories.map((one) => stepsOf(one).length))
    expect(steps).toBeGreaterThan(4 * QUERIES)
    expect(found.recomputed).toBe(0)
    if (process.env.HONE_TREE_QUERIES !== undefined)
      process.stdout.write(
        `${diversity_seen_by}: ${found.computed} tokens computed, ${sampledIn(found)} sampled, ${promptsIn(found)} of prompts, ${steps} turns\n`,
      )
    expect(found.computed).toBeLessThanOrEqual(1.1 * sampledIn(found) + promptsIn(found))
    const apart = await search(model, choice, { slots: 1, sharePrefixes: false })
    expect(apart.trajectories).toEqual(found.trajectories)
    expect(apart.computed).toBeGreaterThan(1.5 * found.computed)
    const few = await search(model, choice, { blocks: 16 })
    expect(few.trajectories).toEqual(found.trajectories)
  }
  model.destroy()
})

test('trial and several chains give the same tokens with one slot as with four', async () => {
  const model = await starterModel()
  for (const choice of [
    { strategy: 'trial', strategySettings: {} },
    { strategy: 'cot', strategySettings: { tries: 3 } },
  ] as const) {
    const found = await search(model, choice)
    const alone = await search(model, choice, { slots: 1, sharePrefixes: false })
    expect(alone.trajectories).toEqual(found.trajectories)
    expect(found.computed).toBeLessThanOrEqual(1.1 * sampledIn(found) + promptsIn(found))
  }
  model.destroy()
})
