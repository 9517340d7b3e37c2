/** Drawing tokens on the GPU: by inverse CDF with Philox uniforms, among those that transformers' warpers let through. */
import { describe, expect, it } from 'vitest'
import { createRng, philox4x32 } from '../../src/base/random'
import { EngineDevice } from '../../src/engine/device/engineDevice'
import { NO_SLOT } from '../../src/engine/ops/kvCache'
import { sample, SLOT, SLOT_WORDS, seenWords } from '../../src/engine/ops/sample'
import { Executable } from '../../src/engine/plan/executable'
import { planGraph } from '../../src/engine/plan/planGraph'
import { ScratchPool } from '../../src/engine/plan/scratchPool'
import { Graph, sizeOf } from '../../src/engine/tensor'
import { adapterUnderTest, testDevice } from '../support/gpu'

interface Draw {
  readonly query: number
  readonly sample: number
  readonly version: number
  readonly position: number
  readonly temperature: number
  readonly topK: number
  readonly topP: number
  readonly minP: number
  readonly penalty: number
}
const KEY = 99
const LIMIT = 4
/** Columns after those of tokens: never drawn, however likely they look. */
const PAST = 3

/** One draw for each row, and its log-probability. `isSeen`: the row's context holds the token. */
async function draw(
  logits: Float32Array,
  draws: readonly Draw[],
  isSeen: (row: number, token: number) => boolean = () => false,
): Promise<{ ids: Uint32Array; logprobs: number[] }> {
  const engine = new EngineDevice(await testDevice(), { isSoftware: true })
  const rows = draws.length
  const vocabulary = logits.length / rows
  const seen = seenWords(vocabulary)
  const stateRows = rows + Math.ceil((rows * seen) / SLOT_WORDS)
  const shape = { slotState: [stateRows, SLOT_WORDS], ids: [rows], positions: [rows], slots: [rows], record: [rows, LIMIT, 2] } as const
  const graph = new Graph()
  const leaf = (name: keyof typeof shape) => graph.state(name, shape[name], 'u32')
  sample(
    graph.batch('logits', [rows, vocabulary + PAST]),
    graph.batch('rowSlots', [rows], 'u32'),
    graph.batch('counts', [4], 'u32'),
    { slotState: leaf('slotState'), ids: leaf('ids'), positions: leaf('positions'), slots: leaf('slots'), record: leaf('record') },
    { limit: LIMIT, vocabulary },
  )
  const buffers = new Map(Object.entries(shape).map(([name, extents]) => [name, engine.createBuffer(name, sizeOf(extents) * 4)]))
  const buffer = (name: string): GPUBuffer => {
    const found = buffers.get(name)
    if (!found) throw new Error(name)
    return found
  }
  const words = new ArrayBuffer(stateRows * SLOT_WORDS * 4)
  const [state, reals] = [new Uint32Array(words), new Float32Array(words)]
  draws.forEach((one, slot) => {
    const at = slot * SLOT_WORDS
    state.set([0, one.position, 1, 0, LIMIT, KEY, 0, one.query, one.sample, one.version], at)
    reals[at + SLOT.temperature] = one.temperature
    state[at + SLOT.topK] = one.topK
    reals.set([one.topP, one.minP, one.penalty], at + SLOT.topP)
    state.fill(NO_SLOT, at + SLOT.stop, at + SLOT.stop + 4)
    for (let token = 0; token < vocabulary; token++)
      if (isSeen(slot, token)) {
        const word = rows * SLOT_WORDS + slot * seen + (token >>> 5)
        state[word] = (state[word] ?? 0) | (1 << (token & 31))
      }
  })
  engine.write(buffer('slotState'), state)
  const executable = await Executable.create(engine, planGraph(graph, engine), new ScratchPool(engine), (name) => ({
    buffer: buffer(name),
    offset: 0,
  }))
  const held = new Float32Array(rows * (vocabulary + PAST)).fill(50)
  for (let row = 0; row < rows; row++) held.set(logits.subarray(row * vocabulary, (row + 1) * vocabulary), row * (vocabulary + PAST))
  executable.write('logits', held)
  executable.write(
    'rowSlots',
    Uint32Array.from(draws, (_, row) => row),
  )
  executable.write('counts', Uint32Array.of(rows, rows, rows, 0))
  await executable.run()
  const ids = new Uint32Array(await engine.read(buffer('ids'), 0, rows * 4))
  const record = await engine.readF32(buffer('record'), 0, rows * LIMIT * 2)
  executable.destroy()
  return { ids, logprobs: draws.map((_, row) => record[row * LIMIT * 2 + 1] ?? Number.NaN) }
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

describe(`drawing on ${adapterUnderTest()}`, () => {
  it.each([
    { name: 'among all', topK: 0, topP: 1, minP: 0 },
    { name: 'among the top 7', topK: 7, topP: 1, minP: 0 },
    { name: 'among more than there are', topK: 1000, topP: 1, minP: 0 },
    { name: 'from the nucleus of 0.6', topK: 0, topP: 0.6, minP: 0 },
    { name: 'from a nucleus of few', topK: 0, topP: 0.05, minP: 0 },
    { name: 'from the nucleus of the top 12', topK: 12, topP: 0.5, minP: 0 },
    { name: 'of at least 0.1 of the largest', topK: 40, topP: 0.97, minP: 0.1 },
    { name: 'with a repetition penalty', topK: 30, topP: 0.9, minP: 0, penalty: 1.4 },
  ])(
    'draws $name by inverse CDF with the Philox uniform of (seed; position, version, sample, query)',
    async ({ topK, topP, minP, penalty = 1 }) => {
      const [rows, vocabulary] = [64, 100]
      const rng = createRng(21)
      const logits = Float32Array.from({ length: rows * vocabulary }, () => 2 * rng.normal())
      const temperature = Math.fround(0.7)
      // Every third token is in the context of every second row.
      const isSeen = (row: number, token: number): boolean => row % 2 === 0 && token % 3 === 0
      const GREEDY = 5
      const draws = Array.from({ length: rows }, (_, row) => ({
        ...{ query: row * 3, sample: row % 5, version: 2, position: 10 + row },
        ...{ temperature: row === GREEDY ? 0 : temperature, topK, topP, minP, penalty },
      }))
      const { ids, logprobs } = await draw(logits, draws, isSeen)
      let boundary = 0
      for (let row = 0; row < rows; row++) {
        const greedy = row === GREEDY
        const plain = Array.from(logits.subarray(row * vocabulary, (row + 1) * vocabulary), (value) => value / (greedy ? 1 : temperature))
        const lse = Math.log(plain.reduce((sum, value) => sum + Math.exp(value), 0))
        const z = plain.map((value, token) => (isSeen(row, token) ? (value > 0 ? value / penalty : value * penalty) : value))
        const m = Math.max(...z)
        const total = z.reduce((sum, value) => sum + Math.exp(value - m), 0)
        const allowed = allowedTokens(z, { topK, topP, minP })
        // Whoever is drawn outside the nucleus leaves those above it to the next uniform.
        let left = greedy ? new Set<number>() : allowedTokens(z, { topK, topP: 1, minP })
        let expected = z.indexOf(m)
        let margin = Infinity
        for (let round = 0; left.size > 0; round++) {
          const words = philox4x32([11 + row + (round >> 2) * 2 ** 24, 2, row % 5, row * 3], [KEY, 0])
          const mass = z.reduce((sum, value, token) => sum + (left.has(token) ? Math.exp(value - m) : 0), 0)
          const goal = ((words[round % 4] ?? 0) >>> 8) * 2 ** -24 * mass
          let before = 0
          for (const [token, value] of z.entries()) {
            if (!left.has(token)) continue
            before += Math.exp(value - m)
            margin = Math.min(margin, Math.abs(goal - before))
            if (goal < before) {
              expected = token
              break
            }
          }
          if (allowed.has(expected)) break
          left = new Set([...left].filter((token) => (z[token] ?? 0) > (z[expected] ?? 0)))
        }
        if (margin < 1e-5 * total) boundary++
        else expect(ids[row], `row ${row}`).toBe(expected)
        if (!greedy) expect(allowed, `row ${row}`).toContain(ids[row])
        expect(Math.abs((logprobs[row] ?? Number.NaN) - ((plain[ids[row] ?? 0] ?? 0) - lse))).toBeLessThan(1e-5)
      }
      expect(boundary).toBeLessThan(3)
    },
  )

  it('draws tokens of a nucleus as often as they are likely in it', async () => {
    const [rows, vocabulary, topP] = [1024, 12, 0.7]
    const row = Array.from({ length: vocabulary }, (_, token) => Math.log(1 + ((token * 5) % vocabulary)))
    const draws = Array.from({ length: rows }, (_, query) => ({
      ...{ query, sample: 0, version: 0, position: 3 },
      ...{ temperature: 1, topK: 0, topP, minP: 0, penalty: 1 },
    }))
    const { ids } = await draw(
      Float32Array.from({ length: rows * vocabulary }, (_, at) => row[at % vocabulary] ?? 0),
      draws,
    )
    const allowed = [...allowedTokens(row, { topK: 0, topP, minP: 0 })]
    const mass = allowed.reduce((sum, token) => sum + Math.exp(row[token] ?? 0), 0)
    let chiSquare = 0
    for (const token of allowed) {
      const wanted = (rows * Math.exp(row[token] ?? 0)) / mass
      chiSquare += (ids.filter((id) => id === token).length - wanted) ** 2 / wanted
    }
    expect([...new Set(ids)].sort((a, b) => a - b)).toEqual(allowed.sort((a, b) => a - b))
    // Of six kinds, by chance alone in one of a thousand trials (SciPy: chi2.isf(0.001, 5) = 20.5).
    expect(allowed).toHaveLength(6)
    expect(chiSquare).toBeLessThan(20.5)
  })
})
