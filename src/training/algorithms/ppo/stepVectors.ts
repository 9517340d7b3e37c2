/**
 * Step-grained PPO's kernels against two sequences through StepTool's released arithmetic (TRL 0.11's classic trainer under it), in
 * float64. Golden: test/golden/steptool_ppo.py, whose numbers have six decimals.
 */
import { z } from 'zod'
import type { EngineDevice } from '../../../engine/device/engineDevice'
import { accumulateInto } from '../../../engine/ops/accumulateInto'
import { gae } from '../../../engine/ops/gae'
import { interleave } from '../../../engine/ops/interleave'
import { PPO_SUM_WORDS, ppoLoss } from '../../../engine/ops/ppoLoss'
import { PPO_TOTAL, PPO_TOTAL_WORDS, ppoMinibatch } from '../../../engine/ops/ppoMinibatch'
import { stepReward } from '../../../engine/ops/stepReward'
import { whiten } from '../../../engine/ops/whiten'
import { Executable } from '../../../engine/plan/executable'
import { planGraph } from '../../../engine/plan/planGraph'
import { ScratchPool } from '../../../engine/plan/scratchPool'
import { Graph } from '../../../engine/tensor'
import { placeStepScores, trainedPositions } from '../../batches/stepRewards'
import type { Goldens } from '../../parity'
import { measureOf, type Quantity } from '../../../base/quantity'

const grid = z.array(z.array(z.number()))
const results = z.object({
  ...{ rewards: grid, adv_raw: grid, adv_whitened: grid, returns: grid },
  ...{ pg_loss: z.number(), vf_loss: z.number(), total: z.number() },
})
const schema = z.object({
  inputs: z.object({
    ...{ mask: grid, scores: grid, logprobs: grid, ref_logprobs: grid, values: grid },
    ...{ kl_coef: z.number(), gamma: z.number(), lam: z.number() },
  }),
  ...{ released: results, paper: results },
  ...{ new_logprobs: grid, new_values: grid },
  adaptive_kl: z.array(z.tuple([z.number(), z.number()])),
})
export type PpoVectors = z.output<typeof schema>
export const WEIGHTINGS = ['released', 'paper'] as const
export const ppoVectors = (goldens: Goldens): PpoVectors => schema.parse(goldens.json('steptool_ppo_vectors.json'))

/** Rows of the kernels; more than the vectors have. What lies past the live ones must not matter. */
const PPO_BUCKET = 32
export const PPO_CLIP = { cliprange: 0.2, cliprangeValue: 0.2 } as const
const VF_COEF = 0.1
const RATIO_THRESHOLD = 10
/** f32 against six decimals. */
const EXACT = { bound: 'maxAbs', tolerance: 2e-6 } as const

/** Unmasked cells of a grid in row order. */
export const maskedRows = ({ inputs }: PpoVectors, values: readonly (readonly number[])[]): number[] =>
  values.flatMap((row, s) => row.filter((_, t) => inputs.mask[s]?.[t] === 1))

/** Step of each position's token: runs of ones in the mask, in order; −1 elsewhere. Position t is TRL's: it predicts token t + 1. */
export function stepsOfMask(mask: readonly number[]): number[] {
  let step = -1
  return mask.map((m, t) => {
    if (m === 1 && mask[t - 1] !== 1) step++
    return m === 1 ? step : -1
  })
}

export interface PpoOutputs {
  readonly reward: Float32Array
  readonly advantage: Float32Array
  readonly whitened: Float32Array
  readonly returns: Float32Array
  readonly dlogp: Float32Array
  readonly dvalue: Float32Array
  readonly totals: Float32Array
  /** The gradients after the mini-batch: 1, 2, 3, 4 unless it was skipped. */
  readonly kept: Float32Array
  readonly sums: Float32Array
}

export async function ppoQuantities(engine: EngineDevice, goldens: Goldens, adapter: string): Promise<Quantity[]> {
  const vectors = ppoVectors(goldens)
  const measure = measureOf('StepTool, released arithmetic in float64', adapter)
  const found: Quantity[] = []
  for (const weighting of WEIGHTINGS) {
    const expected = vectors[weighting]
    const out = await runPpoVectors(engine, vectors, weighting)
    const name = `Step-grained PPO, ${weighting}`
    const total = (word: number): number => out.totals[word] ?? Number.NaN
    found.push(
      measure(`${name}: rewards`, out.reward, maskedRows(vectors, expected.rewards), EXACT),
      measure(`${name}: advantages`, out.advantage, maskedRows(vectors, expected.adv_raw), EXACT),
      measure(`${name}: whitened advantages`, out.whitened, maskedRows(vectors, expected.adv_whitened), EXACT),
      measure(`${name}: returns`, out.returns, maskedRows(vectors, expected.returns), EXACT),
      measure(`${name}: policy loss`, [total(PPO_TOTAL.policy)], [expected.pg_loss], EXACT),
      measure(`${name}: value loss`, [total(PPO_TOTAL.value)], [expected.vf_loss], EXACT),
      measure(`${name}: loss`, [total(PPO_TOTAL.total)], [expected.total], EXACT),
    )
  }
  return found
}

/** Runs the kernels of a batch, from step scores to one mini-batch's loss, on the vectors' two sequences. */
export async function runPpoVectors(
  engine: EngineDevice,
  vectors: PpoVectors,
  weighting: (typeof WEIGHTINGS)[number],
): Promise<PpoOutputs> {
  const graph = new Graph()
  const outputs = buildGraph(graph, vectors)
  for (const [name, tensor] of Object.entries(outputs)) graph.output(name, tensor)
  const states = initialStates(engine)
  const state = (name: string): GPUBuffer => {
    const buffer = states.get(name)
    if (!buffer) throw new Error(`no state ${name}`)
    return buffer
  }
  const pool = new ScratchPool(engine)
  const executable = await Executable.create(engine, planGraph(graph, engine), pool, (name) => ({ buffer: state(name), offset: 0 }))
  writeVectors(executable, vectors, weighting)
  await executable.run()
  const read = (name: keyof typeof outputs): Promise<Float32Array> => executable.readOutput(name, PPO_BUCKET)
  const found: PpoOutputs = {
    ...{ reward: await read('reward'), advantage: await read('advantage'), whitened: await read('whitened') },
    ...{ returns: await read('returns'), dlogp: await read('dlogp'), dvalue: await read('dvalue') },
    totals: await engine.readF32(state('totals'), 0, PPO_TOTAL_WORDS),
    kept: await engine.readF32(state('kept'), 0, 4),
    sums: await engine.readF32(state('sums'), 0, PPO_SUM_WORDS),
  }
  executable.destroy()
  pool.destroy()
  for (const buffer of states.values()) engine.destroyBuffer(buffer)
  return found
}

function initialStates(engine: EngineDevice): ReadonlyMap<string, GPUBuffer> {
  const initial = {
    table: new Float32Array(PPO_BUCKET * 4),
    sums: new Float32Array(PPO_SUM_WORDS),
    totals: new Float32Array(PPO_TOTAL_WORDS),
    grads: Float32Array.of(1, 2, 3, 4),
    kept: new Float32Array(4),
  }
  return new Map(
    Object.entries(initial).map(([name, data]) => {
      const buffer = engine.createBuffer(name, data.byteLength)
      engine.write(buffer, data)
      return [name, buffer]
    }),
  )
}

/** Writes the vectors as rows [PPO_BUCKET] of the trained tokens of all sequences; rows past them are NaN. */
function writeVectors(executable: Executable, vectors: PpoVectors, weighting: (typeof WEIGHTINGS)[number]): void {
  const { inputs } = vectors
  const rows = (values: readonly (readonly number[])[]): number[] => maskedRows(vectors, values)
  const count = rows(inputs.mask).length
  const laidOut = inputs.mask.map((mask, s) => {
    const sequence = { stepOf: [-1, ...stepsOfMask(mask)], rewards: inputs.scores[s] ?? [] }
    const positions = trainedPositions(sequence, 'leave_out')
    return { positions, score: placeStepScores(sequence, positions, weighting) }
  })
  const columns = {
    logp: rows(inputs.logprobs),
    ref: rows(inputs.ref_logprobs),
    value: rows(inputs.values),
    score: laidOut.flatMap(({ score }) => score),
    newLogp: rows(vectors.new_logprobs),
    newValue: rows(vectors.new_values),
    entropy: rows(inputs.mask),
  }
  for (const [name, values] of Object.entries(columns))
    executable.write(
      name,
      new Float32Array(PPO_BUCKET).fill(Number.NaN).map((nan, r) => values[r] ?? nan),
    )
  const gaps = laidOut.flatMap(({ positions }) => positions.map((position, row) => (positions[row + 1] ?? position) - position))
  executable.write('gap', Uint32Array.from(gaps))
  executable.write('firstRow', Uint32Array.of(0, laidOut[0]?.positions.length ?? 0, count))
  executable.write(
    'tableRow',
    Uint32Array.from({ length: PPO_BUCKET }, (_, r) => r),
  )
  executable.write('klCoef', Float32Array.of(inputs.kl_coef))
  executable.write('weight', Float32Array.of(1 / count))
  executable.write('counts', Uint32Array.of(0, count, 2, 0))
}

function buildGraph(graph: Graph, { inputs }: PpoVectors) {
  const column = (name: string): ReturnType<Graph['batch']> => graph.batch(name, [PPO_BUCKET])
  const counts = graph.batch('counts', [4], 'u32')
  const [logp, value] = [column('logp'), column('value')]
  const { reward } = stepReward(
    { logp, ref: column('ref'), score: column('score'), klCoef: graph.batch('klCoef', [4]), counts },
    { klPenalty: 'kl' },
  )
  const { advantage, returns } = gae(
    { reward, value, gap: graph.batch('gap', [PPO_BUCKET], 'u32'), firstRow: graph.batch('firstRow', [3], 'u32'), counts },
    { gamma: inputs.gamma, lam: inputs.lam, gaeMaskMode: 'trl_classic' },
  )
  const { y: whitened } = whiten(advantage, counts)
  const table = graph.state('table', [PPO_BUCKET, 4])
  interleave([logp, value, whitened, returns], counts, table)
  const loss = ppoLoss(
    {
      logp: column('newLogp'),
      value: graph.batch('newValue', [PPO_BUCKET, 1]),
      entropy: column('entropy'),
      tableRow: graph.batch('tableRow', [PPO_BUCKET], 'u32'),
      table,
      weight: graph.batch('weight', [4]),
      counts,
    },
    { ...PPO_CLIP, vfCoef: VF_COEF },
  )
  accumulateInto(graph.state('sums', [PPO_SUM_WORDS]), loss.sums)
  ppoMinibatch(
    {
      sums: graph.state('sums', [PPO_SUM_WORDS]),
      totals: graph.state('totals', [PPO_TOTAL_WORDS]),
      grads: graph.state('grads', [4]),
      kept: graph.state('kept', [4]),
    },
    { ratioThreshold: RATIO_THRESHOLD, vfCoef: VF_COEF },
  )
  return { reward, advantage, whitened, returns, dlogp: loss.dlogp, dvalue: loss.dvalue }
}
