/**
 * A checkpoint of a published shape with random weights: BF16, sharded as the Hub has them, with the tokenizer of test/golden/tokenizer/qwen.json
 * and a word for each of the other ids.
 *
 * Usage: node test/golden/random_checkpoint.js DIRECTORY [SHAPE] [LAYERS]
 * SHAPE of src/models/publishedShapes.json, default qwen2.5-0.5b, or the config.json of a Llama, Qwen2 or Qwen3 (vocab_size at least 512).
 *
 * Nothing is held but one piece of a tensor. Matrices are uniform with standard deviation 1/√fan_in (embeddings 0.05), gains 1, biases 0.
 */
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, writeFileSync, writeSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const here = dirname(fileURLToPath(import.meta.url))
const shapes = JSON.parse(readFileSync(join(here, '../../src/models/publishedShapes.json'), 'utf8'))
const [directory, shape = 'qwen2.5-0.5b', layers] = process.argv.slice(2)
if (directory === undefined || !(shape in shapes || existsSync(shape))) {
  console.error(`usage: node random_checkpoint.js DIRECTORY [${Object.keys(shapes).join('|')}|CONFIG.json] [LAYERS]`)
  process.exit(2)
}
const whole = shapes[shape] ?? JSON.parse(readFileSync(shape, 'utf8'))
const config = { ...whole, ...(layers === undefined ? {} : { num_hidden_layers: Number(layers) }) }
const SHARD_BYTES = 300e6
const PIECE_VALUES = 1 << 20

/** In the order in which transformers saves them: by name. */
function tensors() {
  const { hidden_size: hidden, intermediate_size: inner, vocab_size: vocabulary } = config
  const headDim = config.head_dim ?? hidden / config.num_attention_heads
  const [q, kv] = [config.num_attention_heads * headDim, config.num_key_value_heads * headDim]
  const all = { 'model.embed_tokens.weight': [vocabulary, hidden], 'model.norm.weight': [hidden] }
  if (!config.tie_word_embeddings) all['lm_head.weight'] = [vocabulary, hidden]
  for (let layer = 0; layer < config.num_hidden_layers; layer++) {
    const at = `model.layers.${layer}`
    for (const norm of ['input_layernorm', 'post_attention_layernorm']) all[`${at}.${norm}.weight`] = [hidden]
    const rows = { q_proj: [q, hidden], k_proj: [kv, hidden], v_proj: [kv, hidden], o_proj: [hidden, q] }
    for (const [name, extents] of Object.entries(rows)) {
      all[`${at}.self_attn.${name}.weight`] = extents
      const hasBias = config.model_type === 'qwen2' ? name !== 'o_proj' : config.attention_bias
      if (hasBias) all[`${at}.self_attn.${name}.bias`] = [extents[0]]
    }
    if (config.model_type === 'qwen3') for (const norm of ['q_norm', 'k_norm']) all[`${at}.self_attn.${norm}.weight`] = [headDim]
    for (const name of ['gate_proj', 'up_proj']) all[`${at}.mlp.${name}.weight`] = [inner, hidden]
    all[`${at}.mlp.down_proj.weight`] = [hidden, inner]
  }
  return Object.entries(all).sort(([a], [b]) => (a < b ? -1 : 1))
}

const sizeOf = (extents) => extents.reduce((product, extent) => product * extent, 1)

/** Avalanche of MurmurHash3: a number from each position of each tensor. */
function mix(x) {
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b)
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35)
  return x ^ (x >>> 16)
}

/** Values first … first + count of a tensor as BF16. */
function values(name, extents, first, count) {
  const floats = new Float32Array(count)
  if (name.endsWith('norm.weight')) floats.fill(1)
  else if (name.endsWith('.weight')) {
    const stream = mix([...name].reduce((hash, letter) => Math.imul(hash ^ letter.charCodeAt(0), 0x01000193), 0x811c9dc5))
    const deviation = /embed_tokens|lm_head/.test(name) ? 0.05 : 1 / Math.sqrt(extents[1])
    const unit = (Math.sqrt(3) * deviation) / 2 ** 31
    for (let i = 0; i < count; i++) floats[i] = mix((first + i) ^ stream) * unit
  }
  const words = new Uint32Array(floats.buffer)
  return new Uint8Array(Uint16Array.from(words, (word) => word >>> 16).buffer)
}

function shardsOf(all) {
  const shards = [[]]
  let bytes = 0
  for (const [name, extents] of all) {
    const size = 2 * sizeOf(extents)
    if (bytes > 0 && bytes + size > SHARD_BYTES) {
      shards.push([])
      bytes = 0
    }
    shards.at(-1).push([name, extents])
    bytes += size
  }
  return shards
}

function writeShard(file, members) {
  let offset = 0
  const header = { __metadata__: { format: 'pt' } }
  for (const [name, extents] of members) {
    const end = offset + 2 * sizeOf(extents)
    header[name] = { dtype: 'BF16', shape: extents, data_offsets: [offset, end] }
    offset = end
  }
  const text = JSON.stringify(header)
  const padded = text.padEnd(Math.ceil(text.length / 8) * 8)
  const length = new Uint8Array(8)
  new DataView(length.buffer).setBigUint64(0, BigInt(padded.length), true)
  const handle = openSync(file, 'w')
  writeSync(handle, length)
  writeSync(handle, padded)
  for (const [name, extents] of members)
    for (let first = 0; first < sizeOf(extents); first += PIECE_VALUES)
      writeSync(handle, values(name, extents, first, Math.min(PIECE_VALUES, sizeOf(extents) - first)))
  closeSync(handle)
  return offset
}

mkdirSync(directory, { recursive: true })
const shards = shardsOf(tensors())
const nameOf = (index) => `model-${String(index + 1).padStart(5, '0')}-of-${String(shards.length).padStart(5, '0')}.safetensors`
const weight_map = {}
let total_size = 0
for (const [index, members] of shards.entries()) {
  total_size += writeShard(join(directory, nameOf(index)), members)
  for (const [name] of members) weight_map[name] = nameOf(index)
}
writeFileSync(join(directory, 'model.safetensors.index.json'), JSON.stringify({ metadata: { total_size }, weight_map }, null, 2))
writeFileSync(join(directory, 'config.json'), JSON.stringify(config, null, 2))
// Every row of the vocabulary has a text, so that answers can be read.
const tokenizer = JSON.parse(readFileSync(join(here, 'tokenizer/qwen.json'), 'utf8'))
const taken = new Set([...Object.values(tokenizer.model.vocab), ...tokenizer.added_tokens.map(({ id }) => id)])
for (let id = 0; id < config.vocab_size; id++) if (!taken.has(id)) tokenizer.model.vocab[`Ġ#${id}`] = id
writeFileSync(join(directory, 'tokenizer.json'), JSON.stringify(tokenizer))
console.log(`${directory}: ${shards.length} shards, ${(total_size / 1e6).toFixed(0)} MB`)
