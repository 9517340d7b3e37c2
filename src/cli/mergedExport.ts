/** `hone export --to merged DIR --out DIR`: a model with its adapter merged in, in Hugging Face layout, and how far it is from the two apart. */
import { createWriteStream, mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { EngineDevice } from '../engine/device/engineDevice'
import { WEIGHT_FORMATS, type WeightFormat } from '../engine/weightFormat'
import { createStarterWorld } from '../environments/starter'
import { SIDE_FILES } from '../models/checkpointFolder'
import { architectureOf, type WeightReader } from '../models/languageModel'
import { parseJson, readText } from '../models/weights/byteSource'
import { mergedConfig, mergedReader, mergedShard, mergeNote, planMerge } from '../models/weights/mergeLora'
import { checkAdapterFits, readAdapter } from '../models/weights/peft'
import type { ModelConfig } from '../models/architectures/config'
import { probeText } from '../studio/probe'
import { speaksStarter } from '../studio/jobRoom'
import { plainTrainable } from '../studio/workshop'
import { divergenceOf, logitRows, type Divergence } from '../training/policyDivergence'
import { PolicyModel } from '../training/policyModel'
import type { TrainableSet } from '../training/policyModel'
import { adapterReportOf } from './adapterReport'
import { UsageError, type CommandContext, type JsonObject } from './command'
import { openModel, type OpenModel } from './modelSpec'
import { nodeFolder } from './node/folder'
import { storedRun } from './runDirectory'
import { readTrainedAdapter, type TrainedAdapter } from './trainedFiles'

export interface MergeOptions {
  /** As `hone train --model`; left out: the run's. */
  readonly model: string | undefined
  /** How the base was held in training; left out: as the run says, else f32. */
  readonly dtype: WeightFormat | undefined
}

/** Texts the two are compared on, with one in the starter world where the model speaks it. */
const TEXTS = [
  'The weather tool takes the name of a city and returns degrees and wind. Call get_weather(city="Zürich").',
  '{"tool": "search", "arguments": {"query": "capital of Norway", "limit": 3}}',
  'First look at what the tool replied; if it failed, try another one, then answer in one sentence.',
]
const MOST_TOKENS = 192

/** Throws one sentence when the directory holds no adapter, or one for another model. */
export async function exportMerged(
  inputs: readonly string[],
  out: string,
  options: MergeOptions,
  context: CommandContext,
): Promise<JsonObject> {
  const [directory, another] = inputs
  if (directory === undefined || another !== undefined) throw new UsageError('export --to merged takes one directory.')
  const run = storedRun(directory)
  const spec = options.model ?? run?.model.id
  if (spec === undefined) throw new UsageError(`${directory} does not say what it was trained on: name it with --model.`)
  const weights = options.dtype ?? WEIGHT_FORMATS.find((format) => format === run?.config.dtype) ?? 'f32'
  const model = await openModel(spec, run?.seed ?? 1, context, { weights, kv: 'f32' })
  try {
    const folder = nodeFolder(directory)
    const adapter = await readAdapter(folder).finally(() => folder.close())
    checkAdapterFits(adapter, architectureOf(model.config).parameters(model.config))
    const plan = planMerge(model.config)
    const merged = mergedReader(model.config, model.reader, adapter)
    mkdirSync(out, { recursive: true })
    const files: string[] = []
    for (const shard of plan.shards) {
      const path = join(out, shard.file)
      await pipeline(mergedShard(shard, merged), createWriteStream(`${path}.writing`))
      renameSync(`${path}.writing`, path)
      files.push(path)
      context.progress(`wrote ${shard.file}`)
    }
    if (plan.index !== null) files.push(written(join(out, 'model.safetensors.index.json'), plan.index))
    files.push(...(await sideFiles(model, out, plan.dtype)))
    const note = mergeNote(model.config)
    if (note !== null) context.progress(note)
    const kl = await measured(model, await readTrainedAdapter(directory, model), out, context)
    context.progress(
      `KL(adapter ‖ merged) on ${kl.tokens} tokens: ${kl.mean.toExponential(2)} nats on average, ${kl.max.toExponential(2)} at most; the same likeliest token in ${(100 * kl.sameTop).toFixed(1)} %`,
    )
    return { files, bytes: plan.bytes, dtype: plan.dtype, base: model.title, note, kl }
  } finally {
    await model.close()
  }
}

function written(path: string, text: string | Uint8Array): string {
  writeFileSync(path, text)
  return path
}

async function sideFiles({ folder }: OpenModel, out: string, dtype: 'F16' | 'BF16'): Promise<string[]> {
  const files: string[] = []
  for (const name of SIDE_FILES) {
    const source = await folder.open(name)
    if (!source) continue
    if (name !== 'config.json') {
      files.push(written(join(out, name), await source.read(0, source.size)))
      continue
    }
    const json = parseJson((await readText(folder, name)) ?? '{}', name)
    files.push(written(join(out, name), mergedConfig(json as Readonly<Record<string, unknown>>, dtype)))
  }
  return files
}

/** The base with the adapter as it was trained, beside the merged model as it was written: read back from its files. */
async function measured(model: OpenModel, adapter: TrainedAdapter, out: string, context: CommandContext): Promise<Divergence> {
  const { adapter: gpu } = await context.openAdapter()
  const engine = new EngineDevice(await context.openDevice(), { isSoftware: adapterReportOf(gpu).isSoftware })
  const gate = (): void => context.signal.throwIfAborted()
  const texts = [...(speaksStarter(model) === null ? [probeText(createStarterWorld())] : []), ...TEXTS]
  let left = MOST_TOKENS
  const sequences = texts.flatMap((text) => {
    const ids = model.tokenizer.encode(text).slice(0, left)
    left -= ids.length
    return ids.length < 2 ? [] : [ids]
  })
  const rowsOf = async (config: ModelConfig, reader: WeightReader, trainable: TrainableSet): Promise<Float32Array[]> => {
    const policy = await PolicyModel.create(engine, config, reader, trainable)
    try {
      for (const { name, shape } of policy.packed.ranges.values())
        policy.packed.writeWeights(
          name,
          (trainable === plainTrainable ? undefined : adapter.tensors.get(name)?.values) ??
            new Float32Array(shape.reduce((product, extent) => product * extent, 1)),
        )
      const rows: Float32Array[] = []
      for (const ids of sequences) for await (const row of logitRows(policy, ids, gate)) rows.push(row)
      return rows
    } finally {
      await policy.destroy()
    }
  }
  const apart = await rowsOf(model.config, model.reader, { kind: 'lora', lora: adapter.lora, valueHead: false })
  const merged = await openModel(out, 1, context)
  try {
    return divergenceOf(apart, await rowsOf(merged.config, merged.reader, plainTrainable))
  } finally {
    await merged.close()
  }
}
