/**
 * `bench decode`: tokens per second of batched generation on a checkpoint of SmolLM2-135M's shape with random weights (speed does not depend
 * on their values), by format of the weights and number of sequences; what drawing from a nucleus costs over taking the likeliest token; and
 * a baseline with the same weights. A speed beside a baseline's counts only if both give the same log-probabilities.
 */
import { EngineDevice } from '../engine/device/engineDevice'
import type { WeightFormat } from '../engine/weightFormat'
import { Generator, type GeneratorSession } from '../models/generate'
import type { GenerationRequest, GenerationResult } from '../models/generationRequest'
import { LanguageModel, type WeightReader } from '../models/languageModel'
import { parseModelConfig, type ModelConfig } from '../models/architectures/config'
import { randomWeights } from '../training/policy/initialWeights'
import { median, rateRow, timeTurns, type BenchRow } from './paired'
import type { DecodeBaseline } from './baselines/transformers'

/** Shape as in the model's published config.json. */
export const smolLm2 = parseModelConfig({
  ...{ model_type: 'llama', vocab_size: 49_152, hidden_size: 576, intermediate_size: 1536, num_hidden_layers: 30 },
  ...{ num_attention_heads: 9, num_key_value_heads: 3, tie_word_embeddings: true, rms_norm_eps: 1e-5, rope_theta: 100_000 },
  max_position_embeddings: 8192,
})
const PROMPT = 16
const PARITY = { prompts: 3, tokens: 16 } as const

export interface DecodeBenchOptions {
  /** A device of its own for each format: nothing of one is left for the next. */
  openDevice(): Promise<GPUDevice>
  /** With these weights in the config's format; null: none is installed. */
  openBaseline(config: ModelConfig, weights: WeightReader): Promise<DecodeBaseline | null>
  /** Largest difference of log-probabilities at which both still compute the same: what is in between may be f16. */
  readonly tolerance: number
  readonly config: ModelConfig
  readonly isSoftware: boolean
  readonly formats: readonly WeightFormat[]
  readonly batches: readonly number[]
  /** New tokens of each sequence. */
  readonly tokens: number
  readonly pairs: number
  readonly now: () => number
  progress(line: string): void
}

export interface DecodeParity {
  readonly format: WeightFormat
  readonly peer: string
  /** Sampled tokens whose log-probabilities were compared. */
  readonly tokens: number
  readonly largestDifference: number
  /** Of the greedy tokens, how many are the same. */
  readonly sameGreedy: number
}

export interface DecodeBenchReport {
  readonly rows: readonly BenchRow[]
  readonly bytes: readonly { readonly format: WeightFormat; readonly weights: number }[]
  readonly parity: readonly DecodeParity[]
}

type Sampling = Pick<GenerationRequest, 'temperature' | 'topP'>
const greedy: Sampling = { temperature: 0, topP: 1 }
const nucleus: Sampling = { temperature: 1, topP: 0.9 }

export async function benchDecode(options: DecodeBenchOptions): Promise<DecodeBenchReport> {
  const rows: BenchRow[] = []
  const bytes: { format: WeightFormat; weights: number }[] = []
  const parity: DecodeParity[] = []
  const weights = remembered(randomWeights(options.config, 1))
  for (const format of options.formats) {
    const config = { ...options.config, weight_format: format }
    const device = await options.openDevice()
    const engine = new EngineDevice(device, { isSoftware: options.isSoftware })
    const model = await LanguageModel.load(engine, config, weights)
    bytes.push({ format, weights: model.frozenBytes })
    const baseline = await options.openBaseline(config, weights)
    try {
      if (baseline) parity.push(await checkParity(model, format, baseline, options))
      for (const slots of options.batches) rows.push(...(await benchBatch(model, format, slots, baseline, options)))
    } finally {
      await baseline?.close()
      model.destroy()
      device.destroy()
    }
  }
  return { rows, bytes, parity }
}

function generatorOf(model: LanguageModel, slots: number, tokens: number): Generator {
  return new Generator({
    ...{ model, lookup: model.lookup(), lora: null, slots, maxContext: PROMPT + tokens, maxNewTokens: tokens, seed: 1 },
  })
}
const openAll = (generator: Generator, slots: number): Promise<GeneratorSession[]> =>
  Promise.all(Array.from({ length: slots }, (_, query) => generator.open({ query, sample: 0 })))

/** Times of one format and number of sequences, in ms: `whole` of reading the prompts and decoding, the others of decoding alone. */
interface BatchTimes {
  readonly greedy: readonly number[]
  readonly nucleus: readonly number[]
  readonly whole: readonly number[]
  readonly baseline: readonly number[]
}

async function benchBatch(
  model: LanguageModel,
  format: WeightFormat,
  slots: number,
  baseline: DecodeBaseline | null,
  options: DecodeBenchOptions,
): Promise<BenchRow[]> {
  const { tokens } = options
  const times = await timeBatch(model, slots, baseline, options)
  // The first token of each sequence comes from reading the prompt.
  const [all, decoded] = [slots * tokens, slots * (tokens - 1)]
  const rate = (ms: readonly number[], count: number): string => ((count * 1000) / median(ms)).toFixed(1)
  options.progress(
    `bench decode: ${format}, ${slots} at once: ${rate(times.greedy, decoded)} tokens/s, ${rate(times.nucleus, decoded)} with top_p 0.9` +
      (baseline ? `; with the prompt ${rate(times.whole, all)}, the baseline ${rate(times.baseline, all)}` : ''),
  )
  const unit = 'tokens/s'
  const both = { ours: times.whole, theirs: times.baseline }
  return [
    rateRow(`decode ${format} ×${slots}`, unit, decoded, '', { ours: times.greedy, theirs: [] }),
    rateRow(`decode ${format} ×${slots}, top_p 0.9`, unit, decoded, 'greedy', { ours: times.nucleus, theirs: times.greedy }),
    ...(baseline ? [rateRow(`read ${PROMPT} and decode ${format} ×${slots}`, unit, all, baseline.name, both)] : []),
  ]
}

/** Generates in turns: with a nucleus, greedily, and by the baseline with the same prompts. */
async function timeBatch(
  model: LanguageModel,
  slots: number,
  baseline: DecodeBaseline | null,
  { now, tokens, pairs }: DecodeBenchOptions,
): Promise<BatchTimes> {
  const generator = generatorOf(model, slots, tokens)
  const prompts = Array.from({ length: slots }, (_, query) => promptOf(query, model.config))
  const run = (how: Sampling, count: number): Promise<{ whole: number; decode: number }> =>
    timeGeneration(generator, prompts, how, count, now)
  // Pipelines are made and everything is in memory before clocks start.
  await run(greedy, 3)
  await run(nucleus, 3)
  await baseline?.generate(prompts, 3)
  const whole: number[] = []
  const baselineTurn = async (own: DecodeBaseline): Promise<undefined> => {
    await own.generate(prompts, tokens)
    return undefined
  }
  const times = await timeTurns(
    {
      nucleus: async () => (await run(nucleus, tokens)).decode,
      greedy: async () => {
        const taken = await run(greedy, tokens)
        whole.push(taken.whole)
        return taken.decode
      },
      ...(baseline ? { baseline: () => baselineTurn(baseline) } : {}),
    },
    pairs,
    now,
  )
  await generator.destroy()
  return { greedy: times('greedy'), nucleus: times('nucleus'), whole, baseline: baseline ? times('baseline') : [] }
}

/** Milliseconds of the whole generation, and of the tokens after the first of each sequence: those need no reading of the prompt. */
async function timeGeneration(
  generator: Generator,
  prompts: readonly (readonly number[])[],
  how: Sampling,
  tokens: number,
  now: () => number,
): Promise<{ whole: number; decode: number }> {
  const sessions = await openAll(generator, prompts.length)
  const started = now()
  await Promise.all(sessions.map((one, query) => one.extend(prompts[query] ?? [], { maxNewTokens: 1, ...how, stopIds: [] })))
  const read = now()
  await Promise.all(sessions.map((one) => one.extend([], { maxNewTokens: tokens - 1, ...how, stopIds: [] })))
  const ended = now()
  for (const one of sessions) one.close()
  return { whole: ended - started, decode: ended - read }
}

/** Tokens drawn by us, scored by the baseline: log-probabilities of text that differs from row to row must be equal. */
async function checkParity(
  model: LanguageModel,
  format: WeightFormat,
  baseline: DecodeBaseline,
  options: DecodeBenchOptions,
): Promise<DecodeParity> {
  const { tolerance } = options
  const generator = generatorOf(model, PARITY.prompts, PARITY.tokens)
  const prompts = Array.from({ length: PARITY.prompts }, (_, query) => promptOf(query, model.config))
  const generate = async (how: Sampling): Promise<GenerationResult[]> => {
    const sessions = await openAll(generator, PARITY.prompts)
    const request = { maxNewTokens: PARITY.tokens, ...how, stopIds: [] }
    const results = await Promise.all(sessions.map((one, query) => one.extend(prompts[query] ?? [], request)))
    for (const one of sessions) one.close()
    return results
  }
  const drawn = await generate({ temperature: 1, topP: 1 })
  const likeliest = await generate(greedy)
  await generator.destroy()
  const scores = await baseline.score(drawn.map(({ ids }, row) => [...(prompts[row] ?? []), ...ids]))
  const theirs = await baseline.generate(prompts, PARITY.tokens)
  const largestDifference = largestOf(
    drawn.map(({ logprobs }) => logprobs),
    scores.map((row) => row.slice(PROMPT - 1)),
  )
  const tokens = PARITY.prompts * PARITY.tokens
  const same = likeliest.flatMap(({ ids }, row) => ids.filter((id, at) => id === theirs.ids[row]?.[at])).length
  options.progress(
    `bench decode: ${format}, ${baseline.name}: log-probabilities of ${tokens} drawn tokens differ by at most ${largestDifference.toExponential(1)}; ${same} of ${tokens} greedy tokens are the same`,
  )
  requireSame(largestDifference, tolerance)
  return { format, peer: baseline.name, tokens, largestDifference, sameGreedy: same / tokens }
}

/** NaN when a number is missing or is none. */
export function largestOf(ours: readonly (readonly number[])[], theirs: readonly (readonly number[])[]): number {
  return ours
    .flatMap((row, index) => row.map((value, at) => Math.abs(value - (theirs[index]?.[at] ?? Number.NaN))))
    .reduce((most, one) => Math.max(most, one), 0)
}

export function requireSame(largestDifference: number, tolerance: number): void {
  if (!(largestDifference <= tolerance))
    throw new Error(
      `bench decode: the baseline's log-probabilities differ by up to ${largestDifference} (allowed ${tolerance}): it computes something else, so no speed is reported.`,
    )
}

const promptOf = (query: number, config: ModelConfig): number[] =>
  Array.from({ length: PROMPT }, (_, at) => (query * 977 + at * 131) % config.vocab_size)

/** Drawing them takes longer than anything else here: each tensor is drawn once. */
function remembered(reader: WeightReader): WeightReader {
  const known = new Map<string, Promise<Float32Array>>()
  return {
    read(name, shape) {
      const found = known.get(name) ?? reader.read(name, shape)
      known.set(name, found)
      return found
    },
  }
}
