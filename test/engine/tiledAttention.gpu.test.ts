/** Attention of wide heads as graphics hardware gets it: beside the f64 reference, and the same bits wherever a sequence is packed. */
import { describe, expect, it } from 'vitest'
import { createRng } from '../../src/base/random'
import { EngineDevice } from '../../src/engine/device/engineDevice'
import { attentionBackwardOp, attentionOp, type AttentionParams } from '../../src/engine/ops/attention'
import { differentiate } from '../../src/engine/autograd/differentiate'
import { Executable } from '../../src/engine/plan/executable'
import { planGraph } from '../../src/engine/plan/planGraph'
import { ScratchPool } from '../../src/engine/plan/scratchPool'
import { Graph } from '../../src/engine/tensor'
import { adapterUnderTest, testDevice } from '../support/gpu'

/** Three query heads to a key head do not divide a tile of 32 rows; 10 quads do not divide its lanes. */
const PARAMS: AttentionParams = { heads: 6, kvHeads: 2, headDim: 40 }
/** Longer than a tile, shorter, and one that begins within a tile. */
const LENGTHS = [37, 3, 21]
/** Rows behind the live ones. */
const SPARE = 4

interface Operands {
  readonly q: Float32Array
  readonly k: Float32Array
  readonly v: Float32Array
  readonly seed: Float32Array
}
const [Q_WIDTH, K_WIDTH] = [PARAMS.heads * PARAMS.headDim, PARAMS.kvHeads * PARAMS.headDim]

function operands(tokens: number): Operands {
  const rng = createRng(11, 3)
  const normal = (width: number): Float32Array => Float32Array.from({ length: tokens * width }, () => rng.normal())
  return { q: normal(Q_WIDTH), k: normal(K_WIDTH), v: normal(K_WIDTH), seed: normal(Q_WIDTH) }
}

/** [T + 1, 2]: live tokens, then where each token's segment begins and ends. */
function spansOf(lengths: readonly number[], tokens: number): Uint32Array {
  const spans = new Uint32Array(2 * (tokens + 1))
  let start = 0
  for (const length of lengths) {
    for (let t = start; t < start + length; t++) spans.set([start, start + length], 2 * (t + 1))
    start += length
  }
  spans[0] = start
  return spans
}

const NAMES = ['o', 'lse', 'dq', 'dk', 'dv'] as const
type Found = Record<(typeof NAMES)[number], Float32Array>

async function attend(lengths: readonly number[], { q, k, v, seed }: Operands): Promise<{ found: Found; shaders: string[] }> {
  const device = new EngineDevice(await testDevice(), { isSoftware: false })
  const tokens = q.length / Q_WIDTH
  const graph = new Graph()
  const inputs = [
    graph.batch('q', [tokens, Q_WIDTH]),
    graph.batch('k', [tokens, K_WIDTH]),
    graph.batch('v', [tokens, K_WIDTH]),
    graph.batch('spans', [tokens + 1, 2], 'u32'),
  ]
  const [o, lse] = graph.add(attentionOp, inputs, PARAMS)
  const grads = differentiate([{ output: o!, grad: graph.batch('seed', [tokens, Q_WIDTH]) }], inputs.slice(0, 3))
  for (const [index, tensor] of [o, lse, ...grads].entries()) graph.output(NAMES[index]!, tensor!)
  const pool = new ScratchPool(device)
  const plan = planGraph(graph, device)
  const executable = await Executable.create(device, plan, pool, (name) => {
    throw new Error(name)
  })
  const spans = spansOf(lengths, tokens)
  for (const [name, values] of Object.entries({ q, k, v, seed, spans })) executable.write(name, values)
  await executable.run()
  const sizes = [q.length, tokens * PARAMS.heads, q.length, k.length, k.length]
  const entries: [string, Float32Array][] = []
  for (const [index, name] of NAMES.entries()) entries.push([name, await executable.readOutput(name, sizes[index]!)])
  executable.destroy()
  pool.destroy()
  return { found: Object.fromEntries(entries) as Found, shaders: plan.dispatches.map(({ dispatch }) => dispatch.shader) }
}

function relativeError(found: Float32Array, expected: Float64Array): number {
  let [difference, norm] = [0, 0]
  expected.forEach((value, i) => {
    difference += (value - (found[i] ?? Number.NaN)) ** 2
    norm += value ** 2
  })
  return Math.sqrt(difference / norm)
}

describe(`tiled attention on ${adapterUnderTest()}`, () => {
  it('equals the reference forward and backward, and a sequence has the same bits alone as packed behind others', async () => {
    const live = LENGTHS.reduce((sum, length) => sum + length, 0)
    const tokens = live + SPARE
    const given = operands(tokens)
    // What is behind the live rows counts nowhere.
    for (const [values, width] of [
      [given.q, Q_WIDTH],
      [given.k, K_WIDTH],
      [given.v, K_WIDTH],
      [given.seed, Q_WIDTH],
    ] as const)
      values.fill(Number.NaN, live * width)
    const { found, shaders } = await attend(LENGTHS, given)
    for (const name of ['attention', 'dq', 'dkv']) expect(shaders).toContain(`attention/tiled_${name}`)

    const spans = spansOf(LENGTHS, live)
    const alive = { q: given.q.slice(0, live * Q_WIDTH), k: given.k.slice(0, live * K_WIDTH), v: given.v.slice(0, live * K_WIDTH) }
    const specs = [Q_WIDTH, K_WIDTH, K_WIDTH].map((width) => ({ shape: [live, width], dtype: 'f32' as const }))
    const forward = attentionOp.reference([alive.q, alive.k, alive.v, spans], specs, PARAMS)
    const seed = given.seed.slice(0, live * Q_WIDTH)
    const backward = attentionBackwardOp.reference(
      [seed, alive.q, alive.k, alive.v, forward[0]!, forward[1]!, spans],
      [specs[0]!, ...specs],
      PARAMS,
    )
    for (const [index, expected] of [...forward, ...backward].entries()) {
      const name = NAMES[index]!
      expect(relativeError(found[name].subarray(0, expected.length), expected), name).toBeLessThan(2e-6)
    }

    const last = LENGTHS.at(-1)!
    const from = live - last
    const alone = await attend([last], {
      q: given.q.slice(from * Q_WIDTH, live * Q_WIDTH),
      k: given.k.slice(from * K_WIDTH, live * K_WIDTH),
      v: given.v.slice(from * K_WIDTH, live * K_WIDTH),
      seed: given.seed.slice(from * Q_WIDTH, live * Q_WIDTH),
    })
    const widths = [Q_WIDTH, PARAMS.heads, Q_WIDTH, K_WIDTH, K_WIDTH]
    for (const [index, name] of NAMES.entries())
      expect(alone.found[name], name).toEqual(found[name].slice(from * widths[index]!, live * widths[index]!))
  })
})
