/** `hone export --to merged DIR --out DIR`: a model with its adapter merged in, in Hugging Face layout, and how far it is from the two apart. */
import { createWriteStream, mkdirSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { EngineDevice } from '../engine/device/engineDevice'
import { WEIGHT_FORMATS, type WeightFormat } from '../engine/weightFormat'
import { benchmarks } from '../evaluation/benchmarks'
import { DEFAULT_BENCHMARK } from '../studio/defaults'
import { readAdapter, type LoraAdapter } from '../models/weights/peft'
import { mergedDivergence, mergedFiles } from '../studio/models/mergedModel'
import type { Divergence } from '../training/policy/divergence'
import { gpuInfoOf } from './gpuInfo'
import { UsageError, type CommandContext, type JsonObject } from './command'
import { openModel, type OpenModel } from './modelSpec'
import { nodeFolder } from './node/folder'
import type { RunDetail } from '../worker/protocol'
import { must, withStudio } from './openStudio'

export interface MergeOptions {
  /** As `hone train --model`; when absent, the run's. */
  readonly model: string | undefined
  /** How the base was held in training; when absent, as the run says, else f32. */
  readonly dtype: WeightFormat | undefined
}

/** Throws one sentence when the directory holds no adapter, or one for another model. */
export async function exportMerged(
  inputs: readonly string[],
  out: string,
  options: MergeOptions,
  context: CommandContext,
): Promise<JsonObject> {
  const [directory, another] = inputs
  if (directory === undefined || another !== undefined) throw new UsageError('export --to merged takes one directory.')
  const found = await withStudio(context, (studio) => studio.runs.openFolder(directory))
  // Another program's adapter has no run.
  const run = found.ok ? found.value.run : found.code === 'no-run' ? null : must<RunDetail>(found).run
  const spec = options.model ?? run?.model.id
  if (spec === undefined) throw new UsageError(`${directory} does not say what it was trained on: name it with --model.`)
  const weights = options.dtype ?? WEIGHT_FORMATS.find((format) => format === run?.config.dtype) ?? 'f32'
  const model = await openModel(spec, run?.seed ?? 1, context, { weights, kv: 'f32' })
  try {
    const folder = nodeFolder(directory)
    const adapter = await readAdapter(folder).finally(() => folder.close())
    const { files: planned, bytes, dtype, note } = await mergedFiles(model, adapter)
    mkdirSync(out, { recursive: true })
    const files: string[] = []
    for (const { name, pieces } of planned) {
      const path = join(out, name)
      await pipeline(pieces(), createWriteStream(`${path}.writing`))
      renameSync(`${path}.writing`, path)
      files.push(path)
      if (name.endsWith('.safetensors')) context.progress(`wrote ${name}`)
    }
    if (note !== null) context.progress(note)
    const kl = await measured(model, adapter, out, context)
    context.progress(
      `KL(adapter ‖ merged) on ${kl.tokens} tokens: ${kl.mean.toExponential(2)} nats on average, ${kl.max.toExponential(2)} at most; the same likeliest token in ${(100 * kl.sameTop).toFixed(1)} %`,
    )
    return { files, bytes, dtype, base: model.title, note, kl }
  } finally {
    await model.close()
  }
}

async function measured(model: OpenModel, adapter: LoraAdapter, out: string, context: CommandContext): Promise<Divergence> {
  const { adapter: gpu } = await context.openAdapter()
  const engine = new EngineDevice(await context.openDevice(), { isSoftware: gpuInfoOf(gpu).isSoftware })
  const merged = nodeFolder(out)
  try {
    const gate = (): void => context.signal.throwIfAborted()
    return await mergedDivergence({ engine, model, adapter, merged, benchmark: benchmarks[DEFAULT_BENCHMARK].create(), gate })
  } finally {
    await merged.close()
  }
}
