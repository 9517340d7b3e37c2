/** A checkpoint put to work: streamed in, packed, asked one thing; and what memory of the process that took beside the GPU's buffers. */
import { EngineDevice } from '../../engine/device/engineDevice'
import { Generator } from '../../models/generate'
import { compileGenerationAhead } from '../../models/generationPlans'
import type { GenerationRequest } from '../../models/generationRequest'
import { LanguageModel } from '../../models/languageModel'
import type { LoadedModel } from '../../studio/models/models'
import { encodeStart } from '../../training/batches/tokenizedTrajectory'
import { meterDevice, type DeviceMeter } from '../../bench/deviceMeter'
import { megabytes } from './bytesText'
import type { Check } from './check'

export interface Answer {
  readonly text: string
  readonly ids: readonly number[]
  readonly promptTokens: number
  readonly seconds: { readonly load: number; readonly answer: number }
  readonly memory: {
    /** Most resident bytes of the process. */
    readonly peakRss: number
    /** Most bytes in buffers, as a wrapper of the device saw them. */
    readonly gpuBytes: number
    /** Most resident bytes at one time beyond the buffers there were at that time. On a software adapter buffers are resident too. */
    readonly beyondGpu: number
    /** Resident before the model was opened: Node, the driver, its compiler. */
    readonly before: number
  }
}

export interface Question extends Required<Pick<GenerationRequest, 'temperature' | 'topP' | 'topK' | 'minP' | 'repetitionPenalty'>> {
  readonly prompt: string
  readonly newTokens: number
  readonly seed: number
  /** Texts that end the answer. */
  readonly stop: readonly string[]
}

export interface PromptHost {
  readonly device: GPUDevice
  readonly isSoftware: boolean
  readonly now: () => number
  readonly residentBytes: () => number
}

/** How often memory is looked at. */
const SAMPLE_MS = 10

export async function promptModel(
  { config, reader, tokenizer }: Pick<LoadedModel, 'config' | 'reader' | 'tokenizer'>,
  { prompt, newTokens, seed, stop, ...sampling }: Question,
  host: PromptHost,
): Promise<Answer> {
  // Before the engine makes a buffer.
  const meter = meterDevice(host.device, host.now)
  const engine = new EngineDevice(host.device, { isSoftware: host.isSoftware })
  const watch = watchMemory(meter, host.residentBytes)
  const ids = encodeStart(prompt, tokenizer)
  const started = host.now()
  const size = { lora: null, slots: 1, maxContext: ids.length + newTokens, maxNewTokens: newTokens }
  compileGenerationAhead(engine, { config, ...size })
  const model = await LanguageModel.load(engine, config, reader)
  const loaded = host.now()
  const generator = new Generator({
    ...{ model, lookup: model.lookup(), seed, ...size },
  })
  try {
    const session = await generator.open({ query: 0, sample: 0 })
    const stopText = stop.length > 0 ? { stopText: { strings: stop, decode: (some: readonly number[]) => tokenizer.decode(some) } } : {}
    const stopIds = config.eos_token_ids.slice(0, 4)
    const result = await session.extend(ids, { maxNewTokens: newTokens, stopIds, ...stopText, ...sampling })
    return {
      text: tokenizer.decode(result.ids),
      ids: result.ids,
      promptTokens: ids.length,
      seconds: { load: (loaded - started) / 1000, answer: (host.now() - loaded) / 1000 },
      memory: watch.stop(),
    }
  } finally {
    watch.stop()
    await generator.destroy()
    model.destroy()
  }
}

function watchMemory(meter: DeviceMeter, residentBytes: () => number): { stop(): Answer['memory'] } {
  const before = residentBytes()
  let peakRss = before
  let beyondGpu = before
  const look = (): void => {
    const now = residentBytes()
    peakRss = Math.max(peakRss, now)
    beyondGpu = Math.max(beyondGpu, now - meter.liveBytes)
  }
  const timer = setInterval(look, SAMPLE_MS)
  return {
    stop: () => {
      look()
      clearInterval(timer)
      return { peakRss, gpuBytes: meter.peakBytes, beyondGpu, before }
    },
  }
}

/** Most of the process's memory that opening a model may take beside its buffers. */
const MOST_BEYOND = 1.5e9

export function answerChecks({ text, ids, promptTokens, seconds, memory }: Answer, weights: string): Check[] {
  return [
    {
      name: 'answer',
      ok: ids.length > 0,
      detail: `${JSON.stringify(text)}: ${ids.length} tokens after ${promptTokens}, weights in ${weights}; loaded in ${seconds.load.toFixed(1)} s, answered in ${seconds.answer.toFixed(1)} s`,
    },
    {
      name: 'memory while loading',
      ok: memory.beyondGpu <= MOST_BEYOND,
      detail: `buffers ${megabytes(memory.gpuBytes)}; process at most ${megabytes(memory.peakRss)}, ${megabytes(memory.beyondGpu)} beyond its buffers (${megabytes(memory.before)} before the model was opened)`,
    },
  ]
}
