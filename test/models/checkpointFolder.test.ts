import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { openCheckpoint, openWeightsFolder } from '../../src/models/checkpointFolder'
import { openTokenizer, withinVocabulary } from '../../src/models/checkpointTokenizer'
import { createHfTokenizer } from '../../src/models/tokenizer/hfTokenizer'
import { folderFromMap } from '../../src/models/weights/byteSource'
import { folderFromUrl } from '../../src/models/weights/httpSource'
import { writeSafetensors, type TensorToWrite } from '../../src/models/weights/writeSafetensors'
import { goldenBytes, goldenFiles, goldenFolder } from './files'

const encode = (value: unknown) => new TextEncoder().encode(typeof value === 'string' ? value : JSON.stringify(value))
const TINY_TOKENIZER = {
  model: { type: 'BPE', vocab: { a: 0, b: 1 }, merges: [] },
  added_tokens: [{ id: 2, content: '<|im_end|>', special: true }],
}

function checkpointFiles(): Map<string, Uint8Array> {
  return goldenFiles('tiny_qwen2')
    .set('tokenizer.json', encode(TINY_TOKENIZER))
    .set('tokenizer_config.json', encode({ chat_template: 'T' }))
}
const openFiles = (files: Map<string, Uint8Array>) => openCheckpoint(folderFromMap('tiny', files))

describe('openCheckpoint', () => {
  it('gives config, tokenizer, template and tensors', async () => {
    const checkpoint = await openFiles(checkpointFiles())
    expect(checkpoint.config.hidden_size).toBe(32)
    expect(checkpoint.configJson.transformers_version).toBe('5.23.0')
    expect(checkpoint.chatTemplate).toBe('T')
    expect(createHfTokenizer(checkpoint.tokenizerJson, checkpoint.tokenizerConfig).specialId('<|im_end|>')).toBe(2)
    expect(await checkpoint.tensors.float32('model.embed_tokens.weight', [96, 32])).toHaveLength(96 * 32)
    checkpoint.requireTensors({ 'model.norm.weight': [32], 'model.layers.1.self_attn.k_proj.bias': [16] })
  })

  it('prefers chat_template.jinja, takes the default of several, and does without', async () => {
    const files = checkpointFiles()
    files.set(
      'tokenizer_config.json',
      encode({
        chat_template: [
          { name: 'tool_use', template: 'X' },
          { name: 'default', template: 'Y' },
        ],
      }),
    )
    expect((await openFiles(files)).chatTemplate).toBe('Y')
    files.set('chat_template.jinja', encode('Z'))
    expect((await openFiles(files)).chatTemplate).toBe('Z')
    files.delete('chat_template.jinja')
    files.delete('tokenizer_config.json')
    expect((await openFiles(files)).chatTemplate).toBeNull()
    files.set('tokenizer_config.json', encode({ chat_template: 3 }))
    await expect(openFiles(files)).rejects.toThrow('tokenizer_config.json: chat_template: expected a string or a list')
  })

  it.each([
    ['config.json', 'tiny: file missing: config.json'],
    ['model.safetensors', 'tiny: file missing: expected model.safetensors or model.safetensors.index.json'],
    ['tokenizer.json', 'tiny: file missing: tokenizer.json'],
  ])('says that %s is missing', async (name, message) => {
    const files = checkpointFiles()
    files.delete(name)
    await expect(openFiles(files)).rejects.toThrow(message)
  })

  it('names a missing tensor and a wrong shape', async () => {
    const { requireTensors } = await openWeightsFolder(goldenFolder('tiny_qwen2'))
    expect(() => requireTensors({ 'model.layers.2.mlp.up_proj.weight': [48, 32] })).toThrow(
      'model.safetensors: tensor "model.layers.2.mlp.up_proj.weight" of shape [48, 32] is missing; the file has 26 tensors',
    )
    expect(() => requireTensors({ 'model.norm.weight': [64] })).toThrow('tensor "model.norm.weight": expected shape [64], found [32]')
    expect(() => requireTensors({ 'lm_head.weight': [96, 32] })).toThrow(
      'tensor "lm_head.weight" of shape [96, 32] is missing, and config.json says tie_word_embeddings: true',
    )
  })

  it('refuses a tokenizer whose ids exceed the vocabulary', async () => {
    const files = checkpointFiles()
      .set('tokenizer.json', encode({ ...TINY_TOKENIZER, added_tokens: [{ id: 96, content: '<|im_end|>' }] }))
      .set('tokenizer_config.json', encode({ eos_token: '<|im_end|>' }))
    await expect(openFiles(files)).rejects.toThrow(
      'tokenizer.json: tokenizer does not fit the vocabulary: token "<|im_end|>" has id 96, but vocab_size in config.json is 96 (ids 0 to 95)',
    )
    const check = (tokenizerJson: Record<string, unknown>) =>
      withinVocabulary({ tokenizerFile: 'tokenizer.json', tokenizerJson, tokenizerConfig: {}, chatTemplate: null }, 5)
    expect(() => check({ model: { vocab: { a: 5 } } })).toThrow('token "a" has id 5')
    expect(() => check({ model: { vocab: { a: 4 } } })).not.toThrow()
    expect(() => check({ model: { vocab: [['a', -1.5]] } })).toThrow('tokenizer.json: expected a byte-pair tokenizer')
  })

  it('leaves out an added token that the model has no row for and nothing needs', async () => {
    const tokenizer = { ...TINY_TOKENIZER, added_tokens: [...TINY_TOKENIZER.added_tokens, { id: 96, content: '<pad>', special: true }] }
    const files = checkpointFiles().set('tokenizer.json', encode(tokenizer))
    const { tokenizerJson, tokenizerConfig } = await openFiles(files.set('tokenizer_config.json', encode({ pad_token: '<pad>' })))
    const opened = createHfTokenizer(tokenizerJson, tokenizerConfig)
    expect(opened.vocabSize).toBe(3)
    expect(opened.tokenId('<pad>')).toBeNull()
    expect(opened.specialId('<|im_end|>')).toBe(2)
    // Where nobody says how many rows there are, all are there.
    const whole = await openTokenizer(folderFromMap('tiny', files))
    expect(createHfTokenizer(whole.tokenizerJson).tokenId('<pad>')).toBe(96)
    await expect(openFiles(files.set('chat_template.jinja', encode('{{ "<pad>" }}')))).rejects.toThrow('token "<pad>" has id 96')
    const wrapped = { ...tokenizer, post_processor: { type: 'TemplateProcessing', special_tokens: { '<pad>': { id: '<pad>' } } } }
    files.delete('chat_template.jinja')
    await expect(openFiles(files.set('tokenizer.json', encode(wrapped)))).rejects.toThrow('token "<pad>" has id 96')
  })

  it('ends generation where generation_config.json says, if it says so', async () => {
    const endsWith = async (generation: unknown) =>
      (await openFiles(checkpointFiles().set('generation_config.json', encode(generation)))).config.eos_token_ids
    expect(await endsWith({ eos_token_id: [5, 2], do_sample: true })).toEqual([5, 2])
    expect(await endsWith({ eos_token_id: 3 })).toEqual([3])
    expect(await endsWith({ temperature: 0.6 })).toEqual([0])
    await expect(endsWith({ eos_token_id: '</s>' })).rejects.toThrow('generation_config.json: eos_token_id: expected a token id')
  })

  it('takes a head of its own for the head, and a copy of the embedding for none', async () => {
    const golden = await openWeightsFolder(goldenFolder('tiny_qwen2'))
    expect(golden.config.tie_word_embeddings).toBe(true)
    const tensors: Record<string, TensorToWrite> = {}
    for (const [name, { shape }] of golden.tensors.tensors)
      tensors[name] = { shape: [...shape], data: await golden.tensors.float32(name), dtype: 'F32' }
    const embedding = tensors['model.embed_tokens.weight']?.data ?? new Float32Array(0)
    const tiesWith = async (head: Float32Array) => {
      const bytes = writeSafetensors({ ...tensors, 'lm_head.weight': { shape: [96, 32], data: head, dtype: 'F32' } })
      return (await openFiles(checkpointFiles().set('model.safetensors', bytes))).config.tie_word_embeddings
    }
    expect(await tiesWith(embedding)).toBe(true)
    const { 'model.embed_tokens.weight': moved, ...others } = tensors
    if (!moved) throw new Error('no embedding')
    const headOnly = writeSafetensors({ ...others, 'lm_head.weight': moved })
    const opened = await openFiles(checkpointFiles().set('model.safetensors', headOnly))
    opened.requireTensors({ 'model.embed_tokens.weight': [96, 32] })
    expect(await opened.tensors.float32('model.embed_tokens.weight', [96, 32])).toEqual(embedding)
    expect(await opened.tensors.float32Rows('model.embed_tokens.weight', [96, 32], 95, 1)).toEqual(embedding.subarray(95 * 32))
    expect(await tiesWith(embedding.map((value, index) => (index === 95 * 32 ? value + 1 : value)))).toBe(false)
  })

  it('names the file that is not JSON, not UTF-8 or not an object', async () => {
    await expect(openFiles(checkpointFiles().set('config.json', encode('{')))).rejects.toThrow('config.json: not valid JSON')
    await expect(openFiles(checkpointFiles().set('config.json', encode('[]')))).rejects.toThrow(
      'config.json: expected a JSON object, found an array',
    )
    await expect(openFiles(checkpointFiles().set('tokenizer.json', Uint8Array.of(0xff)))).rejects.toThrow(
      'tokenizer.json: expected UTF-8 text',
    )
  })

  it('opens from a server without listings', async () => {
    const asked: string[] = []
    const fetch = (url: string) => {
      asked.push(url)
      const name = url.slice('http://localhost/starter/'.length)
      const isThere = ['config.json', 'model.safetensors'].includes(name)
      return Promise.resolve(isThere ? new Response(goldenBytes(`tiny_qwen2/${name}`)) : new Response(null, { status: 404 }))
    }
    const folder = folderFromUrl('http://localhost/starter', { fetch, sleep: () => Promise.resolve() })
    const weights = await openWeightsFolder(folder)
    expect(await weights.tensors.float32('model.norm.weight')).toHaveLength(32)
    expect(asked.every((url) => url.startsWith('http://localhost/starter/'))).toBe(true)
  })

  it('has an identity that any change of content changes', async () => {
    const hashOf = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')
    const files = checkpointFiles()
    const progress: number[] = []
    const found = await (await openFiles(files)).sha256((done, total) => progress.push(done / total))
    const lines = ['config.json', 'model.safetensors', 'tokenizer.json'].map(
      (name) => `${hashOf(files.get(name) ?? encode(''))}  ${name}\n`,
    )
    expect(found).toBe(hashOf(encode(lines.join(''))))
    expect(progress.at(-1)).toBe(1)
    const other = goldenBytes('tiny_qwen2/model.safetensors')
    other[other.length - 1] = (other.at(-1) ?? 0) ^ 1
    expect(await (await openFiles(files.set('model.safetensors', other))).sha256()).not.toBe(found)
  })
})
