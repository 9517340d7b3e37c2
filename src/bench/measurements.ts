/** What `hone bench` measures, one function for each kind. */
import type { JsonObject } from '../cli/command'
import type { BenchKind } from './benchOptions'
import type { BenchSession } from './benchSession'
import { benchDecode, smolLm2 } from './decodeBench'
import { benchGemm } from './gemmBench'
import { benchLoad } from './loadBench'
import { benchLoss } from './lossBench'
import { measureProcessMemory } from './memoryBench'
import type { BenchRow } from './paired'
import { benchSoak } from './soakBench'
import { lossText, rowText, soakText, trainText } from './text'
import { benchTrain } from './trainBench'
import { memoryProblemSize, problemSizes, trainProblem } from './trainProblem'

export interface Measured {
  readonly rows: readonly BenchRow[]
  /** A part of the JSON result, under its own name. */
  readonly part: JsonObject
  /** Lines for a person. */
  readonly text: readonly string[]
}

/** Timings of each side where the options do not say, for measurements that are short and for those that take long. */
const [MANY_PAIRS, FEW_PAIRS] = [20, 5]

export const measurements: Readonly<Record<BenchKind, (session: BenchSession) => Promise<Measured>>> = {
  train: measureTrain,
  gemm: measureGemm,
  decode: measureDecode,
  loss: measureLoss,
  load: measureLoad,
  soak: measureSoak,
}

async function measureTrain(session: BenchSession): Promise<Measured> {
  const { shared, now, adapter, options } = session
  const { pairs = MANY_PAIRS, size, seed } = options
  const problem = trainProblem(problemSizes[size], seed)
  const baseline = await session.jax()
  const { rows, ...train } = await benchTrain({ ...shared, baseline, device: await session.openDevice(), problem, pairs })
  const memory = adapter.isSoftware
    ? await measureProcessMemory(await session.openDevice(), trainProblem(memoryProblemSize, seed), now, shared.progress)
    : null
  const profile = options.profile ? train.profile : { ...train.profile, rows: undefined }
  return {
    rows,
    part: { train: { ...train, profile, processMemory: memory } },
    text: [...rows.map(rowText), ...trainText(train, memory, options.profile)],
  }
}

async function measureGemm(session: BenchSession): Promise<Measured> {
  const { sizes, pairs = MANY_PAIRS } = session.options
  const [jax, tfjs] = [await session.jax(), await session.tfjs()]
  const { rows, roofline } = await benchGemm({ ...session.shared, jax, tfjs, device: await session.openDevice(), sizes, pairs })
  return { rows, part: { roofline }, text: rows.map(rowText) }
}

async function measureDecode(session: BenchSession): Promise<Measured> {
  const { dtypes: formats, batches, tokens, pairs = FEW_PAIRS, peerDevice } = session.options
  const device = peerDevice ?? (session.adapter.isSoftware ? 'cpu' : 'webgpu')
  const { rows, ...decode } = await benchDecode({
    ...session.shared,
    ...{ config: smolLm2, formats, batches, tokens, pairs, openDevice: session.openDevice },
    openBaseline: (config, weights) => session.transformers(config, weights, device),
    // On WebGPU transformers.js computes in f16, which has 11 bits.
    tolerance: device === 'cpu' ? 2e-3 : 5e-2,
  })
  return { rows, part: { decode }, text: rows.map(rowText) }
}

async function measureLoss(session: BenchSession): Promise<Measured> {
  const { dtypes: formats, vocabulary, hidden, rows: count, pairs: repeats = FEW_PAIRS } = session.options
  const device = await session.openDevice()
  const { rows, roofline } = await benchLoss({ ...session.shared, formats, vocabulary, hidden, rows: count, repeats, device })
  return { rows, part: { loss: { vocabulary, hidden, rows: count, roofline } }, text: rows.flatMap(lossText) }
}

async function measureLoad(session: BenchSession): Promise<Measured> {
  const { dtypes: formats, pairs: repeats = FEW_PAIRS } = session.options
  const { openDevice } = session
  const { rows, ...load } = await benchLoad({ ...session.shared, config: smolLm2, formats, repeats, openDevice })
  const note = load.hasCold ? [] : ['The file cache could not be emptied here: no load was cold.']
  return { rows, part: { load }, text: [...rows.map(rowText), ...note] }
}

async function measureSoak(session: BenchSession): Promise<Measured> {
  const { size, seed, steps } = session.options
  const problem = trainProblem(problemSizes[size], seed)
  const soak = await benchSoak({ ...session.shared, device: await session.openDevice(), problem, steps })
  return { rows: [], part: { soak }, text: soakText(soak, steps) }
}
