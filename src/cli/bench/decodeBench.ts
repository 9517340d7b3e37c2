/**
 * `bench decode`: tokens per second of batched generation on a checkpoint of SmolLM2-135M's shape with random weights (speed does not depend
 * on their values), by format of the weights and number of sequences; and what drawing from a nucleus costs over taking the likeliest token.
 */
import { EngineDevice } from '../../engine/device/engineDevice'
import type { WeightFormat } from '../../engine/weightFormat'
import { Generator } from '../../models/generate'
import type { GenerationRequest } from '../../models/generationRequest'
import { LanguageModel } from '../../models/languageModel'
import { parseModelConfig } from '../../models/architectures/config'
import { randomWeights } from '../../training/initialize'
import { median, type BenchRow } from './paired'

/** Shape as in the model's published config.json. */
const config = parseModelConfig({
  ...{ model_type: 'llama', vocab_size: 49_152, hidden_size: 576, intermediate_size: 1536, num_hidden_layers: 30 },
  ...{ num_attention_heads: 9, num_key_value_heads: 3, tie_word_embeddings: true, rms_norm_eps: 1e-5, rope_theta: 100_000 },
  max_position_embeddings: 8192,
})
const PROMPT = 16

export interface DecodeBenchOptions {
  /** A device of its own for each format: nothing of one is left for the next. */
  openDevice(): Promise<GPUDevice>
  readonly isSoftware: boolean
  readonly formats: readonly WeightFormat[]
  readonly batches: readonly number[]
  /** New tokens of each sequence. */
  readonly tokens: number
  readonly pairs: number
  readonly now: () => number
  progress(line: string): void
}

export interface DecodeBenchReport {
  readonly rows: readonly BenchRow[]
  readonly bytes: readonly { readonly format: WeightFormat; readonly weights: number }[]
}

const greedy = { temperature: 0, topP: 1 } as const
const nucleus = { temperature: 1, topP: 0.9 } as const

export async function benchDecode(options: DecodeBenchOptions): Promise<DecodeBenchReport> {
  const { now, tokens } = options
  const rows: BenchRow[] = []
  const bytes: { format: WeightFormat; weights: number }[] = []
  for (const format of options.formats) {
    const device = await options.openDevice()
    const engine = new EngineDevice(device, { isSoftware: options.isSoftware })
    const model = await LanguageModel.load(engine, { ...config, weight_format: format }, randomWeights(config, 1))
    bytes.push({ format, weights: model.frozenBytes })
    for (const slots of options.batches) {
      const generator = new Generator({
        ...{ model, lookup: model.lookup(), lora: null, slots, maxContext: PROMPT + tokens, maxNewTokens: tokens, seed: 1 },
      })
      const run = async (how: Pick<GenerationRequest, 'temperature' | 'topP'>, count = tokens): Promise<number> => {
        const sessions = await Promise.all(Array.from({ length: slots }, (_, query) => generator.open({ query, sample: 0 })))
        // All but the last token of the prompt are in the cache before the clock starts; the first new token comes with the last one.
        await Promise.all(
          sessions.map((one, query) => one.extend(promptOf(query).slice(0, -1), { maxNewTokens: 1, ...greedy, stopIds: [] })),
        )
        const started = now()
        await Promise.all(sessions.map((one) => one.extend([], { maxNewTokens: count, ...how, stopIds: [] })))
        const ms = now() - started
        for (const one of sessions) one.close()
        return ms
      }
      await run(greedy, 2)
      const times: { greedy: number[]; nucleus: number[] } = { greedy: [], nucleus: [] }
      for (let pair = 0; pair < options.pairs; pair++)
        for (const name of pair % 2 === 0 ? (['greedy', 'nucleus'] as const) : (['nucleus', 'greedy'] as const))
          times[name].push(await run(name === 'greedy' ? greedy : nucleus))
      const rate = (ms: readonly number[]): number => (slots * tokens * 1000) / median(ms)
      const alone = { peer: null, theirs: null, ratio: null, unit: 'tokens/s', pairs: options.pairs }
      rows.push(
        { name: `decode ${format} ×${slots}`, ours: rate(times.greedy), ...alone },
        { name: `decode ${format} ×${slots}, top_p 0.9`, ours: rate(times.nucleus), ...alone },
      )
      options.progress(
        `bench decode: ${format}, ${slots} at once: ${rate(times.greedy).toFixed(1)} tokens/s, ${rate(times.nucleus).toFixed(1)} with top_p 0.9`,
      )
      await generator.destroy()
    }
    model.destroy()
    device.destroy()
  }
  return { rows, bytes }
}

const promptOf = (query: number): number[] => Array.from({ length: PROMPT }, (_, at) => (query * 977 + at * 131) % config.vocab_size)
