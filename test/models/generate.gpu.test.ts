/** Generation: draws follow Philox and the softmax; rollout log-probs equal the training plan's; results do not depend on slots. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { createRng, philox4x32 } from '../../src/base/random'
import { EngineDevice } from '../../src/engine/device/engineDevice'
import { NO_SLOT } from '../../src/engine/ops/kvCache'
import type { KvDtype } from '../../src/engine/ops/kvCache'
import { sample, SLOT, SLOT_WORDS, seenWords } from '../../src/engine/ops/sample'
import { Executable } from '../../src/engine/plan/executable'
import { planGraph } from '../../src/engine/plan/planGraph'
import { ScratchPool } from '../../src/engine/plan/scratchPool'
import { Graph } from '../../src/engine/tensor'
import { parseModelConfig } from '../../src/models/architectures/config'
import { PROJECTIONS } from '../../src/models/architectures/decoder'
import { Generator, type GeneratorOptions, type GeneratorSession } from '../../src/models/generate'
import { sourceFromBytes } from '../../src/models/weights/byteSource'
import { openSafetensors } from '../../src/models/weights/safetensors'
import { packSequences, uploadBatch } from '../../src/training/packing'
import { PolicyModel } from '../../src/training/policyModel'
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

/** As transformers' warpers have it: the k likeliest, of those the fewest that hold the share, of those the ones likely enough. */
function allowedTokens(z: readonly number[], { topK, topP, minP }: { topK: number; topP: number; minP: number }): Set<number> {
  const m = Math.max(...z)
  let left = [...z.entries()].map(([token, value]) => ({ token, e: Math.exp(value - m) })).sort((a, b) => b.e - a.e)
  if (topK > 0) left = left.slice(0, topK)
  const mass = left.reduce((sum, { e }) => sum + e, 0)
  let before = 0
  left = left.filter(({ e }) => {
    const isIn = before < topP * mass
    before += e
    return isIn
  })
  return new Set(left.filter(({ e }) => e >= minP).map(({ token }) => token))
}

describe(`generation on ${adapterUnderTest()}`, () => {
  it.each([
    { name: 'among all', topK: 0, topP: 1, minP: 0 },
    { name: 'among the top 7', topK: 7, topP: 1, minP: 0 },
    { name: 'among more than there are', topK: 1000, topP: 1, minP: 0 },
    { name: 'from the nucleus of 0.6', topK: 0, topP: 0.6, minP: 0 },
    { name: 'from the nucleus of the top 12', topK: 12, topP: 0.5, minP: 0 },
    { name: 'of at least 0.1 of the largest', topK: 40, topP: 0.97, minP: 0.1 },
    { name: 'with a repetition penalty', topK: 30, topP: 0.9, minP: 0, penalty: 1.4 },
  ])(
    'draws $name by inverse CDF with the Philox uniform of (seed; position, version, sample, query)',
    async ({ topK, topP, minP, penalty = 1 }) => {
      const engine = new EngineDevice(await testDevice(), { isSoftware: true })
      const [rows, vocabulary, limit] = [64, 100, 4]
      const graph = new Graph()
      const seen = seenWords(vocabulary)
      const stateRows = rows + Math.ceil((rows * seen) / SLOT_WORDS)
      const shape = { slotState: [stateRows, SLOT_WORDS], ids: [rows], positions: [rows], slots: [rows], record: [rows, limit, 2] } as const
      const leaf = (name: keyof typeof shape) => graph.state(name, shape[name], 'u32')
      sample(
        graph.batch('logits', [rows, vocabulary]),
        graph.batch('rowSlots', [rows], 'u32'),
        graph.batch('counts', [4], 'u32'),
        { slotState: leaf('slotState'), ids: leaf('ids'), positions: leaf('positions'), slots: leaf('slots'), record: leaf('record') },
        { limit },
      )
      const buffers = new Map(
        Object.entries(shape).map(([name, extents]) => [
          name,
          engine.createBuffer(
            name,
            extents.reduce((a, b) => a * b, 4),
          ),
        ]),
      )
      const buffer = (name: string): GPUBuffer => {
        const found = buffers.get(name)
        if (!found) throw new Error(name)
        return found
      }
      const rng = createRng(21)
      const logits = Float32Array.from({ length: rows * vocabulary }, () => 2 * rng.normal())
      const temperature = Math.fround(0.7)
      const state = new Uint32Array(stateRows * SLOT_WORDS)
      // Every third token is in the context of every second row.
      const isSeen = (row: number, token: number): boolean => row % 2 === 0 && token % 3 === 0
      for (let row = 0; row < rows; row++)
        for (let token = 0; token < vocabulary; token++)
          if (isSeen(row, token)) {
            const at = rows * SLOT_WORDS + row * seen + (token >>> 5)
            state[at] = (state[at] ?? 0) | (1 << (token & 31))
          }
      for (let slot = 0; slot < rows; slot++) {
        state.set([0, 10 + slot, 1, 0, 4, 99, 0, slot * 3, slot % 5, 2], slot * SLOT_WORDS)
        state[slot * SLOT_WORDS + SLOT.temperature] = new Uint32Array(Float32Array.of(slot === 5 ? 0 : temperature).buffer)[0] ?? 0
        state[slot * SLOT_WORDS + SLOT.topK] = topK
        state.set(new Uint32Array(Float32Array.of(topP, minP, penalty).buffer), slot * SLOT_WORDS + SLOT.topP)
        state.fill(NO_SLOT, slot * SLOT_WORDS + SLOT.stop, slot * SLOT_WORDS + SLOT.stop + 4)
      }
      engine.write(buffer('slotState'), state)
      const executable = await Executable.create(engine, planGraph(graph, engine), new ScratchPool(engine), (name) => ({
        buffer: buffer(name),
        offset: 0,
      }))
      executable.write('logits', logits)
      executable.write(
        'rowSlots',
        Uint32Array.from({ length: rows }, (_, row) => row),
      )
      executable.write('counts', Uint32Array.of(rows, rows, rows, 0))
      await executable.run()
      const ids = new Uint32Array(await engine.read(buffer('ids'), 0, rows * 4))
      const record = await engine.read(buffer('record'), 0, rows * limit * 8)
      let boundary = 0
      for (let row = 0; row < rows; row++) {
        const greedy = row === 5
        const plain = Array.from(logits.subarray(row * vocabulary, (row + 1) * vocabulary), (value) => value / (greedy ? 1 : temperature))
        const lse = Math.log(plain.reduce((sum, value) => sum + Math.exp(value), 0))
        const z = plain.map((value, token) => (isSeen(row, token) ? (value > 0 ? value / penalty : value * penalty) : value))
        const m = Math.max(...z)
        const total = z.reduce((sum, value) => sum + Math.exp(value - m), 0)
        const [word] = philox4x32([11 + row, 2, row % 5, row * 3], [99, 0])
        const allowed = greedy ? new Set(z.keys()) : allowedTokens(z, { topK, topP, minP })
        const goal = ((word >>> 8) / 2 ** 24) * z.reduce((sum, value, token) => sum + (allowed.has(token) ? Math.exp(value - m) : 0), 0)
        let before = 0
        let expected = z.indexOf(m)
        let margin = Infinity
        if (!greedy)
          for (const [token, value] of z.entries()) {
            if (!allowed.has(token)) continue
            before += Math.exp(value - m)
            margin = Math.min(margin, Math.abs(goal - before))
            if (goal < before) {
              expected = token
              break
            }
          }
        if (margin < 1e-5 * total) boundary++
        else expect(ids[row], `row ${row}`).toBe(expected)
        const logp = new Float32Array(record)[row * limit * 2 + 1] ?? Number.NaN
        expect(Math.abs(logp - ((plain[ids[row] ?? 0] ?? 0) - lse))).toBeLessThan(1e-5)
      }
      expect(boundary).toBeLessThan(3)
      executable.destroy()
    },
  )

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
    // Four prompts of 37, then a pending token and three more each; two whole blocks of the prompt are computed once.
    expect(apart?.prefilled).toBe(4 * (37 + 4))
    expect(shared?.prefilled).toBe(4 * (37 + 4) - 3 * 32)
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
    expect(prefilled).toEqual([20, 4, 20])
    await gen.destroy()
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
    await policy.destroy()
  })
})
