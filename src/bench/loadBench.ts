/**
 * `bench load`: a checkpoint in safetensors (BF16) from a folder onto the GPU, packed there into the format it is kept in: megabytes of
 * the file per second, cold (not in the system's file cache) and warm.
 */
import { spawnSync } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, rmSync, statSync, writeFileSync, writeSync, fsyncSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createRng } from '../base/random'
import { EngineDevice } from '../engine/device/engineDevice'
import { sizeOf } from '../engine/tensor'
import type { WeightFormat } from '../engine/weightFormat'
import type { ModelConfig } from '../models/architectures/config'
import { openWeightsFolder } from '../models/checkpointFolder'
import { architectureOf, LanguageModel } from '../models/languageModel'
import { readerOf } from '../models/weights/safetensors'
import { streamSafetensors } from '../models/weights/writeSafetensors'
import { nodeFolder } from '../cli/node/folder'
import { rateRow, type BenchRow } from './paired'

export interface LoadBenchOptions {
  openDevice(): Promise<GPUDevice>
  readonly isSoftware: boolean
  readonly config: ModelConfig
  readonly formats: readonly WeightFormat[]
  readonly repeats: number
  readonly now: () => number
  progress(line: string): void
}
export interface LoadBenchReport {
  readonly rows: readonly BenchRow[]
  readonly fileBytes: number
  /** False where the file cache cannot be emptied: then no load is cold. */
  readonly hasCold: boolean
}

const FILE = 'model.safetensors'

export async function benchLoad(options: LoadBenchOptions): Promise<LoadBenchReport> {
  const { now, config } = options
  const folder = mkdtempSync(join(tmpdir(), 'hone-bench-load-'))
  const file = join(folder, FILE)
  try {
    await writeCheckpoint(folder, config)
    const megabytes = statSync(file).size / 1e6
    const rows: BenchRow[] = []
    const hasCold = forget(file)
    for (const format of options.formats) {
      const device = await options.openDevice()
      const engine = new EngineDevice(device, { isSoftware: options.isSoftware })
      const load = async (): Promise<number> => {
        const started = now()
        const source = nodeFolder(folder)
        const { tensors } = await openWeightsFolder(source)
        const model = await LanguageModel.load(engine, { ...config, weight_format: format }, readerOf(tensors))
        await device.queue.onSubmittedWorkDone()
        const ms = now() - started
        engine.check()
        model.destroy()
        await source.close()
        return ms
      }
      // The packing kernel is compiled before clocks start.
      await load()
      const times: Record<'cold' | 'warm', number[]> = { cold: [], warm: [] }
      for (let repeat = 0; repeat < options.repeats; repeat++) {
        if (hasCold && forget(file)) times.cold.push(await load())
        times.warm.push(await load())
      }
      for (const kind of ['cold', 'warm'] as const)
        if (times[kind].length > 0) {
          const row = rateRow(`load BF16 as ${format}, ${kind}`, 'MB/s', megabytes, '', { ours: times[kind], theirs: [] })
          rows.push(row)
          options.progress(`bench load: ${row.name} ${row.ours.toFixed(0)} MB/s`)
        }
      device.destroy()
    }
    return { rows, fileBytes: statSync(file).size, hasCold }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** Random numbers drawn once and used for every tensor: what they are does not matter here. */
async function writeCheckpoint(folder: string, config: ModelConfig): Promise<void> {
  const shapes = architectureOf(config).parameters(config)
  const rng = createRng(1, 3)
  const largest = Math.max(...Object.values(shapes).map(sizeOf))
  const values = Float32Array.from({ length: largest }, () => 0.05 * rng.normal())
  const file = openSync(join(folder, FILE), 'w')
  try {
    const planned = Object.entries(shapes).map(([name, shape]) => ({ name, shape, dtype: 'BF16' as const }))
    for await (const piece of streamSafetensors(planned, (name) => Promise.resolve(values.subarray(0, sizeOf(shapes[name] ?? [])))))
      for (let at = 0; at < piece.length;) at += writeSync(file, piece, at)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
  const { model_type, vocab_size, hidden_size, intermediate_size, num_hidden_layers, num_attention_heads, num_key_value_heads } = config
  const shape = { model_type, vocab_size, hidden_size, intermediate_size, num_hidden_layers, num_attention_heads, num_key_value_heads }
  const { max_position_embeddings, tie_word_embeddings, rms_norm_eps, rope_theta } = config
  writeFileSync(
    join(folder, 'config.json'),
    JSON.stringify({ ...shape, max_position_embeddings, tie_word_embeddings, rms_norm_eps, rope_theta }),
  )
}

/** Asks the system to drop a file from its cache (GNU dd does so for anybody); false where it cannot. */
function forget(file: string): boolean {
  return spawnSync('dd', [`if=${file}`, 'iflag=nocache', 'count=0'], { stdio: 'ignore' }).status === 0
}
