/** Generation: rollout log-probs equal the training plan's; results do not depend on slots. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { createRng } from '../../src/base/random'
import { EngineDevice } from '../../src/engine/device/engineDevice'
import type { KvDtype } from '../../src/engine/ops/kvCache'
import { parseModelConfig } from '../../src/models/architectures/config'
import { PROJECTIONS } from '../../src/models/architectures/decoder'
import { Generator, type GeneratorOptions, type GeneratorSession } from '../../src/models/generate'
import { sourceFromBytes } from '../../src/models/weights/byteSource'
import { openSafetensors } from '../../src/models/weights/safetensors'
import { packSequences, uploadBatch } from '../../src/training/batches/packing'
import { PolicyModel } from '../../src/training/policy/policyModel'
import { adapterUnderTest, testDevice } from '../support/gpu'

const golden = join(import.meta.dirname, '../golden')

async function policyModel(kvDtype: KvDtype = 'f32'): Promise<PolicyModel> {
  const engine = new EngineDevice(await testDevice(), { isSoftware: true })
  const config = { ...parseModelConfig(JSON.parse(readFileSync(join(golden, 'tiny_qwen2/config.json'), 'utf8'))), kv_dtype: kvDtype }
  const weights = await openSafetensors(sourceFromBytes(readFileSync(join(golden, 'tiny_qwen2/model.safetensors'))), 'model.safetensors')
  const lora = await openSafetensors(sourceFromBytes(readFileSync(join(golden, 'tiny_qwen2_lora.safetensors'))), 'lora')
  const policy = await PolicyModel.create(
    engine,
    config,
    { read: (name, shape) => weights.float32(name, shape) },
    { kind: 'lora', lora: { rank: 4, alpha: 8, targets: PROJECTIONS }, valueHead: false },
  )
  for (const range of policy.packed.ranges.values())
    policy.packed.writeWeights(range.name, await lora.float32(`base_model.model.${range.name}`, range.shape))
  return policy
}

function generator(policy: PolicyModel, slots: number, more: Partial<GeneratorOptions> = {}): Generator {
  if (policy.trainable.kind !== 'lora') throw new Error('the fixture trains an adapter')
  return new Generator({
    model: policy.model,
    lookup: policy.model.lookup(policy.packed),
    lora: policy.trainable.lora,
    slots,
    maxContext: 64,
    maxNewTokens: 12,
    seed: 5,
    ...more,
  })
}

interface Told {
  readonly ids: number[]
  readonly logprobs: { position: number; logp: number }[]
}

/** Two turns of each of `count` conversations; prompts of different lengths; returns contexts and log-probs. */
async function converse(gen: Generator, count: number, temperature: number): Promise<Told[]> {
  return Promise.all(
    Array.from({ length: count }, async (_, query) => {
      const session = await gen.open({ query, sample: 1 })
      const rng = createRng(3, query)
      const told: Told = { ids: [], logprobs: [] }
      for (const turn of [0, 1]) {
        const prompt = Array.from({ length: 3 + query + turn }, () => rng.int(96))
        const made = await session.extend(prompt, { maxNewTokens: 5 + (query % 3), temperature, stopIds: [7] })
        told.ids.push(...prompt)
        made.ids.forEach((id, index) => {
          told.logprobs.push({ position: told.ids.length, logp: made.logprobs[index] ?? Number.NaN })
          told.ids.push(id)
        })
        expect(made.finish).toBe(made.ids.at(-1) === 7 ? 'stop' : 'length')
      }
      session.close()
      return told
    }),
  )
}

describe(`generation on ${adapterUnderTest()}`, () => {
  it.each([
    { kvDtype: 'f32', tolerance: 2e-5 },
    { kvDtype: 'f16', tolerance: 1e-3 },
  ] as const)(
    'log-probs of sampled tokens equal the training plan through multi-turn extends, $kvDtype cache',
    async ({ kvDtype, tolerance }) => {
      const policy = await policyModel(kvDtype)
      const gen = generator(policy, 2)
      const told = await converse(gen, 4, 1)
      const batch = packSequences(
        told.map(({ ids, logprobs }) => ({ ids, targets: logprobs.map(({ position }) => position) })),
        96,
      )
      const score = await policy.score(batch.tokenBucket, batch.targetBucket)
      uploadBatch(score, batch)
      await score.run()
      const found = await score.readOutput('logp', batch.targetCount)
      const rolled = told.flatMap(({ logprobs }) => logprobs.map(({ logp }) => logp))
      expect(rolled.length).toBeGreaterThan(30)
      expect(Math.max(...rolled.map((logp, index) => Math.abs(logp - (found[index] ?? Number.NaN))))).toBeLessThan(tolerance)
      await gen.destroy()
      await policy.destroy()
    },
  )

  it('gives the same bits with one slot and with four', async () => {
    const policy = await policyModel()
    const runs: Told[][] = []
    for (const slots of [1, 4]) {
      const gen = generator(policy, slots)
      runs.push(await converse(gen, 5, 1))
      await gen.destroy()
    }
    expect(runs[0]).toEqual(runs[1])
    expect(runs[0]?.[0]?.ids).not.toEqual(runs[0]?.[1]?.ids)
    await policy.destroy()
  })

  /** Two turns of a group of three with one prompt of 37 tokens, then of a late-comer with the same prompt. */
  async function converseInGroup(gen: Generator): Promise<number[][]> {
    const prompt = Array.from({ length: 37 }, (_, at) => (at * 7) % 96)
    const member = async (sample: number): Promise<number[]> => {
      const session = await gen.open({ query: 0, sample })
      const found: number[] = []
      for (const ids of [prompt, [3, 1, 4 + sample]]) {
        const made = await session.extend(ids, { maxNewTokens: 6, temperature: 1, stopIds: [] })
        found.push(...made.ids, ...made.logprobs)
      }
      session.close()
      return found
    }
    const group = await Promise.all([member(0), member(1), member(2)])
    return [...group, await member(3)]
  }

  it('shares what contexts have in common, and gives the same bits as without, with few blocks too', async () => {
    const policy = await policyModel()
    const runs: { found: number[][]; prefilled: number }[] = []
    for (const more of [{ sharePrefixes: false }, {}, { blocks: 5 }]) {
      const gen = generator(policy, 3, more)
      runs.push({ found: await converseInGroup(gen), prefilled: gen.prefilledTokens })
      await gen.destroy()
    }
    const [apart, shared, tight] = runs
    expect(shared?.found).toEqual(apart?.found)
    expect(tight?.found).toEqual(apart?.found)
    expect(new Set(shared?.found.map(String)).size).toBe(4)
    // Four prompts of 37, then a pending token and three more each. The group computes two whole blocks of the prompt once, and the
    // late-comer only its last token.
    expect(apart?.prefilled).toBe(4 * (37 + 4))
    expect(shared?.prefilled).toBe(4 * (37 + 4) - 2 * 32 - 36)
    await policy.destroy()
  })

  it('shares nothing across versions of the policy', async () => {
    const policy = await policyModel()
    const gen = generator(policy, 1)
    const prefilled: number[] = []
    for (const version of [0, 0, 1]) {
      gen.version = version
      const before = gen.prefilledTokens
      const session = await gen.open({ query: 0, sample: 0 })
      await session.extend(
        Array.from({ length: 20 }, (_, at) => at),
        { maxNewTokens: 1, temperature: 0, stopIds: [] },
      )
      session.close()
      prefilled.push(gen.prefilledTokens - before)
    }
    expect(prefilled).toEqual([20, 1, 20])
    await gen.destroy()
    await policy.destroy()
  })

  /** A session, two forks of it that go on at the same time, and a fork of a fork; the root goes on last. Ids and log-probs of each turn. */
  async function growTree(gen: Generator): Promise<number[][]> {
    const request = { maxNewTokens: 6, temperature: 1, stopIds: [] }
    const found: number[][] = []
    const extend = async (session: GeneratorSession, ids: readonly number[]): Promise<void> => {
      const place = found.push([]) - 1
      const made = await session.extend(ids, request)
      found[place] = [...made.ids, ...made.logprobs]
    }
    const root = await gen.open({ query: 0, sample: 0 })
    await extend(
      root,
      Array.from({ length: 21 }, (_, at) => (at * 7) % 96),
    )
    const [left, right] = [await root.fork({ query: 0, sample: 101 }), await root.fork({ query: 0, sample: 102 })]
    await Promise.all([extend(left, [9, 8, 7]), extend(right, [9, 8, 5])])
    const below = await left.fork({ query: 0, sample: 103 })
    left.close()
    await extend(below, [4, 4])
    await extend(root, [9, 8, 7])
    for (const session of [root, right, below]) session.close()
    return found
  }

  /** The same turns, each in a session of its own that reads everything before it. */
  async function replayTree(gen: Generator, found: readonly number[][]): Promise<number[][]> {
    const ids = found.map((one) => one.slice(0, one.length / 2))
    const start = Array.from({ length: 21 }, (_, at) => (at * 7) % 96)
    const root = [...start, ...(ids[0] ?? [])]
    const left = [...root, 9, 8, 7]
    const contexts = [start, left, [...root, 9, 8, 5], [...left, ...(ids[1] ?? []), 4, 4], left]
    const replayed: number[][] = []
    for (const [turn, context] of contexts.entries()) {
      const session = await gen.open({ query: 0, sample: [0, 101, 102, 103, 0][turn] ?? 0 })
      const made = await session.extend(context, { maxNewTokens: 6, temperature: 1, stopIds: [] })
      replayed.push([...made.ids, ...made.logprobs])
      session.close()
    }
    return replayed
  }

  it('a fork gives the same bits as a replay, with one slot, with few blocks and without sharing', async () => {
    const policy = await policyModel()
    const alone = generator(policy, 1, { sharePrefixes: false })
    const first = await growTree(alone)
    expect(new Set(first.map(String)).size).toBe(5)
    expect(await replayTree(alone, first)).toEqual(first)
    await alone.destroy()
    const counts: { computed: number; recomputed: number }[] = []
    for (const more of [{}, { blocks: 3, maxContext: 48 }]) {
      for (const slots of [1, 4]) {
        const gen = generator(policy, slots, more)
        expect(await growTree(gen)).toEqual(first)
        counts.push({ computed: gen.computedTokens, recomputed: gen.recomputedTokens })
        // All places are free again.
        const sessions = await Promise.all(Array.from({ length: slots }, () => gen.open({ query: 9, sample: 9 })))
        for (const session of sessions) session.close()
        await gen.destroy()
      }
    }
    // Prompts of 21, 3, 3, 2 and 3 tokens, and five completions of 6.
    expect(counts[1]?.recomputed).toBe(0)
    expect(counts[1]?.computed).toBeLessThanOrEqual(21 + 3 + 3 + 2 + 3 + 5 * 6)
    expect(counts[2]?.recomputed).toBeGreaterThan(0)
    await policy.destroy()
  })

  it('streams tokens, ends at stop strings, and cancels one without the others noticing', async () => {
    const policy = await policyModel()
    const gen = generator(policy, 3, { stepsPerLook: 3 })
    const prompts = [[1, 2, 3], [4, 5], [6]]
    const open = (): Promise<GeneratorSession[]> => Promise.all(prompts.map((_, query) => gen.open({ query, sample: 0 })))
    const request = { maxNewTokens: 12, temperature: 1, stopIds: [] }
    const plain = await open()
    const whole = await Promise.all(plain.map((session, query) => session.extend(prompts[query] ?? [], request)))
    for (const session of plain) session.close()

    const sessions = await open()
    const streamed: number[][] = []
    const controller = new AbortController()
    const decode = (ids: readonly number[]): string => ids.map((id) => `<${id}>`).join('')
    const stopAt = whole[1]?.ids.slice(4, 6) ?? []
    const outcomes = await Promise.allSettled([
      sessions[0]?.extend([1, 2, 3], { ...request, onTokens: (ids) => streamed.push([...ids]) }),
      sessions[1]?.extend([4, 5], { ...request, stopText: { strings: [decode(stopAt)], decode } }),
      sessions[2]?.extend([6], { ...request, signal: controller.signal, onTokens: () => { controller.abort(new Error('enough')) } }), // prettier-ignore
    ])
    expect(outcomes[0]).toMatchObject({ value: whole[0] })
    expect(streamed.flat()).toEqual(whole[0]?.ids)
    expect(streamed.length).toBeGreaterThan(2)
    expect(outcomes[1]).toMatchObject({ value: { ids: whole[1]?.ids.slice(0, 6), finish: 'stop' } })
    expect(outcomes[2]).toMatchObject({ status: 'rejected', reason: { message: 'enough' } })
    // What came after the stop is in neither context nor cache; the cancelled session is as it was before.
    expect(sessions.map(({ length }) => length)).toEqual([15, 8, 0])
    const retried = await sessions[2]?.extend([6], request)
    expect(retried).toEqual(whole[2])
    for (const session of sessions) session.close()
    await gen.destroy()
    await policy.destroy()
  })

  it('an extend that cannot be computed rejects for everybody who waits', async () => {
    const policy = await policyModel()
    const gen = new Generator({
      ...{ model: policy.model, lora: null, slots: 2, maxContext: 64, maxNewTokens: 4, seed: 5 },
      lookup: (name) => {
        throw new Error(`nothing holds ${name}`)
      },
    })
    const sessions = await Promise.all([gen.open({ query: 0, sample: 0 }), gen.open({ query: 1, sample: 0 })])
    const request = { maxNewTokens: 2, temperature: 0, stopIds: [] }
    for (const outcome of await Promise.allSettled(sessions.map((session) => session.extend([1, 2, 3], request))))
      expect(outcome).toMatchObject({ status: 'rejected', reason: { message: expect.stringContaining('nothing holds') as string } })
    await expect(sessions[0].extend([1, 96], request)).rejects.toThrow('token 96 is not one of the 96 of the vocabulary')
    await policy.destroy()
  })
})
