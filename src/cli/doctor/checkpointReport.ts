/** What a checkpoint's own files say, each part by itself, and what training it would need on this adapter: nothing is allocated for it. */
import type { PlanContext } from '../../engine/plan/planGraph'
import { WEIGHT_FORMATS, type WeightFormat } from '../../engine/weightFormat'
import type { ModelConfig } from '../../models/architectures/config'
import { PROJECTIONS } from '../../models/architectures/decoder'
import { openTokenizer } from '../../models/checkpointTokenizer'
import { architectures } from '../../models/architectures'
import { ropeTypeOf } from '../../models/claims'
import { architectureOf, parameterCount } from '../../models/languageModel'
import { readModelConfig, withOwnHead, withTiedEmbedding } from '../../models/modelConfigFile'
import { createHfTokenizer } from '../../models/tokenizer/hfTokenizer'
import type { FolderSource } from '../../models/weights/byteSource'
import { openModelWeights } from '../../models/weights/modelWeights'
import type { TensorSource } from '../../models/weights/safetensors'
import { nll } from '../../training/policy/nllObjective'
import { policyMemory, totalBytes } from '../../training/preflight/memoryPlan'
import { bucketFor } from '../../training/batches/packing'
import { policyPlans, type TrainableSet } from '../../training/policy/policyPlans'
import { megabytes } from './bytesText'
import { checked, type Check } from './check'

export interface MemoryRow {
  readonly weights: WeightFormat
  /** null when no plan can be made within the adapter's limits. */
  readonly bytes: number | null
  readonly problem: string | null
}

export interface CheckpointReport {
  readonly checks: readonly Check[]
  readonly memory: readonly MemoryRow[]
  readonly config: ModelConfig | null
  readonly tensors: TensorSource | null
}

/** Tokens of the micro-batch that memory is counted for. */
const PLANNED_TOKENS = 1024
const LORA: TrainableSet = {
  kind: 'lora',
  lora: { rank: 8, alpha: 16, targets: PROJECTIONS },
  valueHead: false,
  gradientCheckpointing: true,
}
const SENTENCE = 'Call get_weather(city="Zürich"): 你好, 3.14 🙂'

export async function checkpointReport(folder: FolderSource, device: PlanContext): Promise<CheckpointReport> {
  const [configCheck, written] = await checked('config.json', async () => {
    const { config: value } = await readModelConfig(folder)
    return { value, detail: configText(value) }
  })
  const [tokenizerCheck] = await checked('tokenizer', async () => ({ value: null, detail: await tokenizerText(folder, written) }))
  const [weightsCheck, weights] = await checked('weights', async () => {
    const found = await openModelWeights(folder)
    const tensors = written ? withTiedEmbedding(written, found) : found
    const config = written && (await withOwnHead(written, tensors))
    const head = config?.tie_word_embeddings === written?.tie_word_embeddings ? '' : ' · a head of its own, although config.json ties it'
    return { value: { tensors, config }, detail: weightsText(tensors, config) + head }
  })
  const config = weights?.config ?? written
  const memory = config ? WEIGHT_FORMATS.map((weights) => memoryRow({ ...config, weight_format: weights }, device)) : []
  return {
    checks: [configCheck, ...(config ? [claimCheck(config)] : []), tokenizerCheck, weightsCheck, ...(config ? [memoryCheck(memory)] : [])],
    ...{ memory, config, tensors: weights?.tensors ?? null },
  }
}

const large = (count: number): string =>
  count >= 1e9 ? `${(count / 1e9).toFixed(2)} B` : count >= 1e6 ? `${(count / 1e6).toFixed(1)} M` : count.toLocaleString('en')

function configText(config: ModelConfig): string {
  const biases = [config.qkv_bias && 'q, k, v', config.o_bias && 'o', config.mlp_bias && 'feed-forward'].filter((name) => name !== false)
  return [
    `${config.model_type}, ${large(parameterCount(config))} parameters`,
    `${config.num_hidden_layers} layers of ${config.hidden_size}`,
    `${config.num_attention_heads} heads of ${config.head_dim} on ${config.num_key_value_heads}`,
    `feed-forward ${config.intermediate_size}`,
    `vocabulary ${config.vocab_size}`,
    `${config.max_position_embeddings} positions, rope theta ${config.rope_theta}, ${ropeTypeOf(config)} scaling`,
    `${config.tie_word_embeddings ? 'tied' : 'untied'} embeddings`,
    `biases: ${biases.join(', ') || 'none'}`,
  ].join(' · ')
}

/** Not that this checkpoint is exact: `--reference` says that. */
function claimCheck(config: ModelConfig): Check {
  const claim = architectures[config.model_type]
  const goldens = claim?.exact[ropeTypeOf(config)] ?? []
  const exact =
    goldens.length > 0
      ? `exact against transformers on ${goldens.join(', ')}`
      : `not compared with transformers under ${ropeTypeOf(config)} scaling`
  const ran = claim && claim.ran.length > 0 ? `run with real weights: ${claim.ran.join(', ')}` : 'not run with real weights'
  return { name: 'architecture', ok: true, detail: `${claim?.title ?? config.model_type}: ${exact}; ${ran}` }
}

async function tokenizerText(folder: FolderSource, config: ModelConfig | null): Promise<string> {
  const { tokenizerFile: file, tokenizerJson, tokenizerConfig, chatTemplate } = await openTokenizer(folder, config?.vocab_size ?? null)
  const tokenizer = createHfTokenizer(tokenizerJson, tokenizerConfig)
  const ids = tokenizer.encode(SENTENCE)
  const back = tokenizer.decode(ids) === SENTENCE ? 'read back as written' : 'read back with changes'
  return `${file}, ${tokenizer.vocabSize} tokens, ${tokenizer.specialIds.size} special · a test sentence has ${ids.length} and is ${back} · ${chatTemplate === null ? 'no chat template' : 'chat template'}`
}

function weightsText(source: TensorSource, config: ModelConfig | null): string {
  const { tensors, files } = source
  const all = [...tensors.values()]
  const dtypes = [...new Set(all.map(({ dtype }) => dtype))].sort().join(', ')
  const bytes = all.reduce((sum, { byteLength }) => sum + byteLength, 0)
  const text = `${files.length} ${files.length === 1 ? 'file' : 'files'}, ${all.length} tensors in ${dtypes}, ${megabytes(bytes)}`
  if (!config) return text
  const needed = architectureOf(config).parameters(config)
  for (const [name, shape] of Object.entries(needed)) source.info(name, shape)
  const unused = all.filter(({ name }) => !(name in needed))
  return unused.length === 0 ? text : `${text} · not used: ${unused.length}, such as ${unused[0]?.name ?? ''}`
}

function memoryRow(config: ModelConfig, device: PlanContext): MemoryRow {
  const tokens = bucketFor(Math.min(PLANNED_TOKENS, config.max_position_embeddings))
  try {
    const plans = policyPlans(config, LORA, device)
    const parts = policyMemory(config, LORA, [plans.gradient(tokens, tokens, nll), plans.update()])
    return { weights: config.weight_format, bytes: totalBytes(parts), problem: null }
  } catch (error) {
    return { weights: config.weight_format, bytes: null, problem: error instanceof Error ? error.message : String(error) }
  }
}

function memoryCheck(rows: readonly MemoryRow[]): Check {
  const text = rows.map(({ weights, bytes }) => `${weights} ${bytes === null ? 'does not plan' : megabytes(bytes)}`).join(' · ')
  const [problem] = rows.flatMap((row) => row.problem ?? [])
  return {
    name: 'memory',
    ok: rows.some(({ bytes }) => bytes !== null),
    detail: `LoRA of rank 8 on ${PLANNED_TOKENS} tokens with gradient_checkpointing, by how weights are held: ${text}${problem === undefined ? '' : ` (${problem})`}`,
  }
}
