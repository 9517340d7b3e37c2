/** transformers.js on ONNX Runtime's native build for Node, with a checkpoint of ours exported for it. */
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { z } from 'zod'
import type { ModelConfig } from '../../models/architectures/config'
import type { WeightReader } from '../../models/languageModel'
import { importBaseline, baselineName } from './install'
import { llamaOnnx } from './llamaOnnx'
import { encodeOnnx } from './onnxModel'

/** `cpu`: all cores, f32 in between. `webgpu`: ONNX Runtime's own Dawn, f16 in between. */
export type BaselineDevice = 'cpu' | 'webgpu'

export interface DecodeBaseline {
  /** With what it ran on. */
  readonly name: string
  /** Milliseconds of taking so many greedy tokens of each prompt; prompts have one length. */
  generate(prompts: readonly (readonly number[])[], tokens: number): Promise<{ readonly ids: readonly (readonly number[])[] }>
  /** log p of each id after the first, given those before it: [sequence][position − 1]. Sequences have one length. */
  score(sequences: readonly (readonly number[])[]): Promise<readonly (readonly number[])[]>
  close(): Promise<void>
}

/** The part of the package that is used; what it returns is checked. */
interface Transformers {
  readonly env: { allowRemoteModels: boolean; localModelPath: string }
  readonly Tensor: new (type: 'int64', data: BigInt64Array, shape: readonly number[]) => unknown
  readonly AutoModelForCausalLM: {
    from_pretrained(
      name: string,
      options: Record<string, unknown>,
    ): Promise<{
      (inputs: Record<string, unknown>): Promise<unknown>
      generate(options: Record<string, unknown>): Promise<unknown>
      dispose(): Promise<unknown>
    }>
  }
}
const idsOutput = z.object({ dims: z.tuple([z.number(), z.number()]), data: z.instanceof(BigInt64Array) })
const logitsOutput = z.object({
  logits: z.object({ dims: z.tuple([z.number(), z.number(), z.number()]), data: z.instanceof(Float32Array) }),
})

/** null when the package is not installed. */
export async function openTransformers(
  projectRoot: string,
  config: ModelConfig,
  reader: WeightReader,
  device: BaselineDevice,
): Promise<DecodeBaseline | null> {
  const loaded = await importBaseline(projectRoot, '@huggingface/transformers')
  if (loaded === null) return null
  const { env, Tensor, AutoModelForCausalLM } = loaded as Transformers
  const folder = mkdtempSync(join(tmpdir(), 'hone-bench-onnx-'))
  try {
    await writeModel(folder, config, reader, device)
    env.allowRemoteModels = false
    env.localModelPath = `${dirname(folder)}/`
    const dtype = device === 'cpu' ? 'fp32' : 'fp16'
    const model = await AutoModelForCausalLM.from_pretrained(basename(folder), { device, dtype, local_files_only: true })
    const inputs = (rows: readonly (readonly number[])[]): Record<string, unknown> => {
      const shape = [rows.length, rows[0]?.length ?? 0]
      const ids = BigInt64Array.from(rows.flat(), (id) => BigInt(id))
      return {
        input_ids: new Tensor('int64', ids, shape),
        attention_mask: new Tensor('int64', new BigInt64Array(ids.length).fill(1n), shape),
      }
    }
    return {
      name: `${baselineName('transformers.js', '@huggingface/transformers')}, ${device === 'cpu' ? 'ONNX Runtime CPU' : 'ONNX Runtime WebGPU'}`,
      async generate(prompts, tokens) {
        const output = await model.generate({ ...inputs(prompts), max_new_tokens: tokens, min_new_tokens: tokens, do_sample: false })
        const { dims, data } = idsOutput.parse(output)
        const start = prompts[0]?.length ?? 0
        return { ids: prompts.map((_, row) => Array.from(data.subarray(row * dims[1] + start, (row + 1) * dims[1]), Number)) }
      },
      async score(sequences) {
        const { dims, data } = logitsOutput.parse(await model(inputs(sequences))).logits
        const [, length, vocabulary] = dims
        return sequences.map((ids, row) =>
          ids.slice(1).map((id, at) => {
            const logits = data.subarray((row * length + at) * vocabulary, (row * length + at + 1) * vocabulary)
            return (logits[id] ?? Number.NaN) - logSumExp(logits)
          }),
        )
      },
      async close() {
        await model.dispose()
      },
    }
  } finally {
    // It is in memory by now.
    rmSync(folder, { recursive: true })
  }
}

async function writeModel(folder: string, config: ModelConfig, reader: WeightReader, device: BaselineDevice): Promise<void> {
  mkdirSync(join(folder, 'onnx'))
  const graph = await llamaOnnx(config, reader, device === 'cpu' ? 'float' : 'float16')
  const file = openSync(join(folder, device === 'cpu' ? 'onnx/model.onnx' : 'onnx/model_fp16.onnx'), 'w')
  try {
    for (const piece of encodeOnnx(graph)) for (let at = 0; at < piece.length;) at += writeSync(file, piece, at)
  } finally {
    closeSync(file)
  }
  const { model_type, vocab_size, hidden_size, intermediate_size, num_hidden_layers, num_attention_heads, num_key_value_heads, head_dim } =
    config
  const shape = { vocab_size, hidden_size, intermediate_size, num_hidden_layers, num_attention_heads, num_key_value_heads, head_dim }
  writeFileSync(join(folder, 'config.json'), JSON.stringify({ architectures: ['LlamaForCausalLM'], model_type, ...shape }))
  writeFileSync(join(folder, 'generation_config.json'), '{}')
}

function logSumExp(logits: Float32Array): number {
  let most = -Infinity
  for (const value of logits) most = Math.max(most, value)
  let sum = 0
  for (const value of logits) sum += Math.exp(value - most)
  return most + Math.log(sum)
}
