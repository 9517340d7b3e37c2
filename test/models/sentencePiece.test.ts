import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { openCheckpoint } from '../../src/models/checkpointFolder'
import { openTokenizer, withinVocabulary } from '../../src/models/checkpointTokenizer'
import { createHfTokenizer } from '../../src/models/tokenizer/hfTokenizer'
import { createCharsmapNormalizer } from '../../src/models/tokenizer/precompiledCharsmap'
import { tokenizerJsonFromSentencePiece } from '../../src/models/tokenizer/sentencePiece'
import { parseSentencePieceModel } from '../../src/models/tokenizer/sentencePieceModel'
import { CheckpointError, folderFromMap } from '../../src/models/weights/byteSource'
import { goldenBytes, goldenFiles, goldenText } from './files'

const ids = z.array(z.number())
const byIndex = <T extends z.ZodType>(value: T) => z.record(z.string(), value)
const golden = z
  .object({
    texts: z.array(z.string()),
    readings: z.record(
      z.string(),
      z.object({
        model: z.string(),
        config: z.record(z.string(), z.unknown()),
        base: z.string().optional(),
        vocab_size: z.number(),
        ids: z.union([z.array(ids), byIndex(ids)]),
        with_special: z.array(ids),
        decoded: byIndex(z.string()),
        random_ids: z.array(ids),
        random_decoded: z.array(z.string()),
        specials_as_text: byIndex(ids).optional(),
      }),
    ),
    sentencepiece: z.object({ model: z.string(), vocab_size: z.number(), ids: byIndex(ids), decoded: byIndex(z.string()) }),
  })
  .parse(JSON.parse(goldenText('sentencepiece_golden.json')))

const { texts, readings } = golden
const modelBytes = (name: string) => goldenBytes(`tokenizer/${name}.model`)
const read = (name: string, config: Record<string, unknown> = {}) =>
  createHfTokenizer(tokenizerJsonFromSentencePiece(modelBytes(name), config), config)
/** What stands at an index of a list or of a sparse list. */
const at = <T>(list: readonly T[] | Readonly<Record<string, T>> | undefined, index: number): T | undefined =>
  new Map(Object.entries<T>(list ?? {})).get(String(index))
const differing = (found: (text: string, index: number) => unknown, expected: (index: number) => unknown) =>
  texts.flatMap((text, i) => {
    const pair = { text: JSON.stringify(text), found: found(text, i), expected: expected(i) ?? 'nothing' }
    return JSON.stringify(pair.found) === JSON.stringify(pair.expected) ? [] : [pair]
  })

describe.each(Object.entries(readings))('%s equals transformers', (_name, expected) => {
  const tokenizer = read(expected.model, expected.config)
  const base = expected.base === undefined ? undefined : readings[expected.base]?.ids
  const expectedIds = (i: number) => at(expected.ids, i) ?? at(base, i)

  it('encodes the fuzzed strings', () => {
    expect(differing((text) => tokenizer.encode(text), expectedIds)).toEqual([])
  })

  it('decodes what it encoded, specials kept', () => {
    expect(differing((_, i) => tokenizer.decode(expectedIds(i) ?? []), (i) => at(expected.decoded, i) ?? texts[i])).toEqual([]) // prettier-ignore
  })

  it('decodes random ids, invalid UTF-8 included', () => {
    expect(expected.random_ids.map((sequence) => tokenizer.decode(sequence))).toEqual(expected.random_decoded)
  })

  it('gives each id its text: the leading space of a word is part of it', () => {
    const broken = (i: number) => tokenizer.decode(expectedIds(i) ?? []).includes('\ufffd')
    const whole = texts.flatMap((_, i) => (broken(i) ? [] : [i]))
    expect(whole.length).toBeGreaterThan(250)
    const joined = (i: number) => tokenizer.tokenTexts(expectedIds(i) ?? []).join('')
    expect(whole.filter((i) => joined(i) !== tokenizer.decode(expectedIds(i) ?? []))).toEqual([])
  })

  it('adds special tokens only when asked, and knows its size', () => {
    expect(texts.slice(0, 12).map((text) => tokenizer.encode(text, { addSpecialTokens: true }))).toEqual(expected.with_special)
    expect(tokenizer.vocabSize).toBe(expected.vocab_size)
  })
})

it('the texts of tokens keep the spaces between words', () => {
  const tokenizer = read('llama')
  const ids = tokenizer.encode('the tool  is a tool')
  const words = tokenizer.tokenTexts(ids)
  expect(words.join('')).toBe('the tool  is a tool')
  expect(words.slice(1).filter((word) => word.startsWith(' ')).length).toBeGreaterThan(2)
  // A text that begins in the middle keeps its first space too, once something stands before it.
  expect(tokenizer.tokenTexts([tokenizer.specialId('<s>'), ...ids]).join('')).toBe('<s> the tool  is a tool')
})

describe('special tokens in text from outside', () => {
  it('are ordinary characters of a BPE model, as in sentencepiece', () => {
    const tokenizer = read('llama')
    const expected = readings.llama?.specials_as_text
    expect(Object.keys(expected ?? {}).length).toBeGreaterThan(20)
    expect(
      differing(
        (text) => tokenizer.encode(text, { parseSpecials: false }),
        (i) => at(expected, i) ?? at(readings.llama?.ids, i),
      ),
    ).toEqual([])
  })

  it('are ordinary characters of a Unigram model', () => {
    const tokenizer = read('unigram_bytes')
    const found = tokenizer.encode('a</s><0x0A>', { parseSpecials: false })
    expect(tokenizer.decode(found)).toBe('a</s><0x0A>')
    expect(found.filter((id) => tokenizer.specialIds.has(id) || id === tokenizer.tokenId('<0x0A>'))).toEqual([])
  })
})

describe("a Unigram model with sentencepiece's own defaults: a character map, spaces collapsed, no byte fallback", () => {
  const { ids: expected, decoded } = golden.sentencepiece
  const tokenizer = read('unigram')

  it('encodes as sentencepiece, where control tokens are text', () => {
    const plain = texts.map((_, i) => at(expected, i))
    expect(plain.filter((sequence) => sequence !== undefined).length).toBeGreaterThan(250)
    expect(
      differing(
        (text, i) => (plain[i] === undefined ? 'nothing' : tokenizer.encode(text, { parseSpecials: false })),
        (i) => plain[i],
      ),
    ).toEqual([])
    expect(tokenizer.vocabSize).toBe(golden.sentencepiece.vocab_size)
  })

  it('decodes as sentencepiece, unknown characters aside', () => {
    const found = Object.fromEntries(Object.keys(decoded).map((i) => [i, tokenizer.decode(at(expected, Number(i)) ?? [])]))
    expect(found).toEqual(decoded)
  })

  it('finds user-defined and control pieces', () => {
    expect(tokenizer.encode('<tool>')).toEqual([tokenizer.specialId('<tool>')])
    expect(tokenizer.specialIds.has(tokenizer.specialId('<tool>'))).toBe(false)
    expect(tokenizer.specialIds.has(tokenizer.specialId('<pad>'))).toBe(true)
  })
})

describe('tokens of tokenizer_config.json', () => {
  const tokensOf = (config: Record<string, unknown>) =>
    tokenizerJsonFromSentencePiece(modelBytes('llama'), config).added_tokens.map(({ id, content, special }) => [id, content, special])

  it('take the next free ids when no piece has them', () => {
    expect(tokensOf({})).toEqual([[0, '<unk>', true], [1, '<s>', true], [2, '</s>', true]]) // prettier-ignore
    const config = {
      added_tokens_decoder: { '601': { content: '<|call|>', special: false } },
      pad_token: { __type: 'AddedToken', content: '[PAD]', normalized: true },
      bos_token: '<s>',
      additional_special_tokens: ['<|end|>', '<|call|>'],
    }
    expect(tokensOf(config).slice(3)).toEqual([[601, '<|call|>', true], [602, '[PAD]', true], [603, '<|end|>', true]]) // prettier-ignore
  })

  it('rename a piece, and may not move one', () => {
    const renamed = { added_tokens_decoder: { '2': { content: '<|end|>', special: true } } }
    expect(tokensOf(renamed)).toEqual([[0, '<unk>', true], [1, '<s>', true], [2, '<|end|>', true]]) // prettier-ignore
    expect(read('llama', renamed).encode('<|end|>')).toEqual([2])
    expect(() => tokensOf({ added_tokens_decoder: { '700': { content: '</s>' } } })).toThrow(
      'tokenizer_config.json: added_tokens_decoder: expected "</s>" with id 2, as in tokenizer.model, found id 700',
    )
    expect(() => tokensOf({ bos_token: 3 })).toThrow('tokenizer_config.json: bos_token: Invalid input')
  })

  it('choose what is added around a text', () => {
    const around = (config: Record<string, unknown>) => read('llama', config).encode('', { addSpecialTokens: true })
    expect(around({})).toEqual([1])
    expect(around({ add_eos_token: true })).toEqual([1, 2])
    expect(around({ add_bos_token: false })).toEqual([])
    expect(around({ bos_token: null })).toEqual([])
  })

  it('may refuse the prefix space', () => {
    const tokenizer = read('llama', { add_prefix_space: false })
    expect(tokenizer.decode(tokenizer.encode(' the tool'))).toBe(' the tool')
    expect(tokenizer.encode(' the tool')).toEqual(read('llama').encode('the tool'))
  })
})

describe('a folder with tokenizer.model', () => {
  const encode = (value: unknown) => new TextEncoder().encode(JSON.stringify(value))
  const folderWith = (files: Record<string, Uint8Array>) => {
    const all = goldenFiles('tiny_qwen2')
    for (const [name, bytes] of Object.entries(files)) all.set(name, bytes)
    return folderFromMap('tiny', all)
  }
  const other = encode({ model: { type: 'BPE', vocab: { a: 0 }, merges: [] } })

  it('opens without a tokenizer.json, which wins where there is one', async () => {
    const model = modelBytes('llama')
    const { tokenizerJson, tokenizerConfig } = await openTokenizer(folderWith({ 'tokenizer.model': model }))
    expect(createHfTokenizer(tokenizerJson, tokenizerConfig).encode('the tool')).toEqual(read('llama').encode('the tool'))
    const both = await openTokenizer(folderWith({ 'tokenizer.model': model, 'tokenizer.json': other }))
    expect(createHfTokenizer(both.tokenizerJson).vocabSize).toBe(1)
    await expect(openTokenizer(folderWith({}))).rejects.toThrow(/^tiny: file missing: tokenizer\.json or tokenizer\.model$/)
  })

  it('must fit the vocabulary of the model, of either kind', async () => {
    await expect(openCheckpoint(folderWith({ 'tokenizer.model': modelBytes('llama') }))).rejects.toThrow(
      /^tokenizer\.model: tokenizer does not fit the vocabulary: token .* has id 599, but vocab_size in config\.json is 96 \(ids 0 to 95\)$/,
    )
    const tokenizerJson = tokenizerJsonFromSentencePiece(modelBytes('unigram'))
    const unigram = { tokenizerFile: 'tokenizer.model', tokenizerJson, tokenizerConfig: {}, chatTemplate: null } as const
    expect(() => withinVocabulary(unigram, 259)).toThrow('has id 259, but vocab_size in config.json is 259 (ids 0 to 258)')
    expect(withinVocabulary(unigram, 260)).toBe(unigram.tokenizerJson)
  })

  it('takes added tokens and their roles from the files of older versions', async () => {
    const files = {
      'tokenizer.model': modelBytes('llama'),
      'tokenizer_config.json': encode({ tokenizer_class: 'LlamaTokenizer', pad_token: null }),
      'special_tokens_map.json': encode({ pad_token: '[PAD]', eos_token: { content: '</s>', lstrip: false } }),
      'added_tokens.json': encode({ '[PAD]': 600, '<tool>': 601 }),
    }
    const { tokenizerJson, tokenizerConfig } = await openTokenizer(folderWith(files))
    const tokenizer = createHfTokenizer(tokenizerJson, tokenizerConfig)
    expect([tokenizer.specialId('[PAD]'), tokenizer.specialId('<tool>')]).toEqual([600, 601])
    expect(tokenizer.specialIds.has(600)).toBe(true)
    expect(tokenizer.specialIds.has(601)).toBe(false)
    expect(tokenizer.encode('<tool>[PAD]')).toEqual([601, 600])
    // What the config lists itself goes before.
    const own = encode({ added_tokens_decoder: { 600: { content: '[PAD]', special: true } } })
    const recent = await openTokenizer(folderWith({ ...files, 'tokenizer_config.json': own }))
    expect(createHfTokenizer(recent.tokenizerJson).tokenId('<tool>')).toBeNull()
  })

  it('has an identity of which the tokenizer is part', async () => {
    const vocabulary = encode({ ...JSON.parse(goldenText('tiny_qwen2/config.json')), vocab_size: 600 })
    const hashOf = async (files: Record<string, Uint8Array>) =>
      (await openCheckpoint(folderWith({ 'config.json': vocabulary, ...files }))).sha256()
    const one = await hashOf({ 'tokenizer.model': modelBytes('llama') })
    expect(await hashOf({ 'tokenizer.model': modelBytes('unigram') })).not.toBe(one)
    const withJson = await hashOf({ 'tokenizer.json': other })
    expect(await hashOf({ 'tokenizer.json': other, 'tokenizer.model': modelBytes('llama') })).toBe(withJson)
  })
})

/** Writes protocol buffers, to make files that are wrong in one place. */
const varint = (value: number): number[] => (value < 128 ? [value] : [(value & 127) | 128, ...varint(value >>> 7)])
const numberField = (field: number, value: number): number[] => [...varint(field * 8), ...varint(value)]
const bytesField = (field: number, value: readonly number[]): number[] => [...varint(field * 8 + 2), ...varint(value.length), ...value]
const text = (value: string): number[] => [...new TextEncoder().encode(value)]
const floatField = (field: number, value: number): number[] => [field * 8 + 5, ...new Uint8Array(Float32Array.of(value).buffer)]
const piece = (content: string, type = 1, score = 0): number[] =>
  bytesField(1, [...bytesField(1, text(content)), ...floatField(2, score), ...numberField(3, type)])
const NORMALIZER = bytesField(3, bytesField(1, text('identity')))
const trainer = (...fields: number[][]): number[] => bytesField(2, fields.flat())
const BPE = numberField(3, 2)

describe('files that are wrong', () => {
  const UNKNOWN = piece('<unk>', 2)
  const good = modelBytes('llama')

  it.each<[string, number[], string]>([
    ['empty', [], 'expected a SentencePiece model with pieces, found none in 0 bytes'],
    ['without a trainer_spec', UNKNOWN, 'expected a trainer_spec after the 1 pieces, found the end of the file'],
    ['without a normalizer_spec', [...UNKNOWN, ...trainer(BPE)], 'expected a normalizer_spec after the 1 pieces, found the end of the file'],
    ['of a group', [0x0b, 0], 'byte 0: expected a field of wire type 0, 1, 2 or 5, found field 1 of wire type 3'],
    ['with a field 0', [0x02, 0], 'byte 0: expected a field number from 1 to 536870911, found 0'],
    ['with pieces that are numbers', numberField(1, 5), 'byte 0: expected pieces (field 1) of wire type length-delimited, found wire type varint'],
    ['with a text score', bytesField(1, [...bytesField(1, text('a')), ...bytesField(2, text('x'))]), 'byte 7: expected piece 0: score (field 2) of wire type fixed32, found wire type length-delimited'],
    ['with an endless varint', [0x08, ...Array<number>(12).fill(0xff)], 'byte 1: expected a varint of field 1 of at most 10 bytes, found a longer one'],
    ['cut in a varint', [0x08, 0x80], 'byte 1: expected a varint of field 1, found the end of the data after 1 bytes'],
    ['with a nameless piece', bytesField(1, floatField(2, 1)), 'byte 2: expected piece 0: a text, found none'],
    ['with bytes for a name', bytesField(1, bytesField(1, [0xff])), 'byte 4: expected piece 0: piece (field 1) in UTF-8, found other bytes'],
    ['with a score that is none', piece('a', 1, Number.NaN), 'byte 2: expected piece 0: a finite score, found NaN'],
    ['with a new type', piece('a', 9), 'byte 2: expected piece 0: a type from 1 to 6, found 9'],
    ['with a piece twice', [...UNKNOWN, ...piece('a'), ...piece('a'), ...trainer(BPE), ...NORMALIZER], 'expected unique pieces, found "a" as piece 1 and 2'],
    ['without an unknown', [...piece('a'), ...trainer(BPE), ...NORMALIZER], 'expected one piece of type UNKNOWN with trainer_spec.unk_id 0, found none'],
    ['with byte fallback without bytes', [...UNKNOWN, ...piece('<0x00>', 6), ...trainer(BPE, [...varint(35 * 8), 1]), ...NORMALIZER], 'expected 256 pieces of type BYTE from <0x00> to <0xFF>, as byte_fallback is on, found 1'],
    ['without merges', [...UNKNOWN, ...piece('abc'), ...piece('a'), ...trainer(BPE), ...NORMALIZER], 'expected a BPE model whose longer pieces are made of two shorter ones, found 1 pieces of several characters and no such pair'],
    ['of words', [...UNKNOWN, ...trainer(numberField(3, 3)), ...NORMALIZER], 'expected a BPE or UNIGRAM model, found WORD'],
    ['of another model type', [...UNKNOWN, ...trainer(numberField(3, 7)), ...NORMALIZER], 'byte 18: expected a trainer_spec.model_type from 1 to 4, found 7'],
    ['with spaces behind words', [...UNKNOWN, ...trainer(BPE, [...varint(24 * 8), 1]), ...NORMALIZER], 'expected spaces at the front of words, found treat_whitespace_as_suffix: true, which is not supported'],
    ['with plain spaces', [...UNKNOWN, ...trainer(BPE), ...bytesField(3, numberField(5, 0))], 'expected spaces written as ▁, found escape_whitespaces: false, which is not supported'],
    ['with half a character map', [...UNKNOWN, ...trainer(BPE), ...bytesField(3, bytesField(2, [8, 0, 0, 0, 1]))], 'precompiled_charsmap: expected a trie of whole 32-bit units within the map, found 8 bytes of trie in 5 bytes'],
    ['of tiktoken', text('IQ== 0\nIg== 1\n'), 'expected a SentencePiece model, found lines of tiktoken ranks: such a model needs its tokenizer.json'],
  ])('%s', (_, bytes, message) => {
    expect(() => tokenizerJsonFromSentencePiece(Uint8Array.from(bytes))).toThrow(new CheckpointError(`tokenizer.model: ${message}`))
  }) // prettier-ignore

  it('are found wherever a good file is cut', () => {
    expect(() => parseSentencePieceModel(good.subarray(0, 4000), 'folder/tokenizer.model')).toThrow(
      /^folder\/tokenizer\.model: byte \d+: expected \d+ bytes of field 1, found \d+ before the end of the data$/,
    )
    for (let length = 0; length < good.length; length += 61) {
      expect(() => parseSentencePieceModel(good.subarray(0, length)), `${length} bytes`).toThrow(/^tokenizer\.model: .*expected .* found /)
    }
  })

  it('name the character map whose offsets lead outside it', () => {
    const map = parseSentencePieceModel(modelBytes('unigram')).normalizer.precompiledCharsmap
    expect(createCharsmapNormalizer(map, 'm')('ﬁn\u3000ＡB\u200b½')).toBe('fin AB 1/2')
    expect(() => createCharsmapNormalizer(map.subarray(0, 40), 'm')).toThrow(
      /^m: precompiled_charsmap: expected a trie of whole 32-bit units within the map, found \d+ bytes of trie in 40 bytes$/,
    )
    const trieBytes = new DataView(map.buffer, map.byteOffset, 4).getUint32(0, true)
    expect(() => createCharsmapNormalizer(map.subarray(0, 4 + trieBytes), 'm')('ﬁ')).toThrow(
      /^m: precompiled_charsmap: expected a replacement ended by a zero byte, found none at byte \d+ of 0$/,
    )
  })
})
