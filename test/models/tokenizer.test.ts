import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import type { TextCodec } from '../../src/base/textCodec'
import { createHfTokenizer } from '../../src/models/tokenizer/hfTokenizer'

const read = (file: string): unknown => JSON.parse(readFileSync(new URL(`../golden/${file}`, import.meta.url), 'utf8'))
const ids = z.array(z.number())
const golden = z
  .object({
    texts: z.array(z.string()),
    tokenizers: z.record(
      z.string(),
      z.object({
        vocab_size: z.number(),
        ids: z.array(ids),
        with_special: z.array(ids),
        decoded: z.record(z.string(), z.string()),
        random_ids: z.array(ids),
        random_decoded: z.array(z.string()),
        specials_as_text: z.record(z.string(), ids),
      }),
    ),
  })
  .parse(read('tokenizer_golden.json'))

describe.each(Object.entries(golden.tokenizers))('%s equals Python tokenizers', (name, expected) => {
  const tokenizer = createHfTokenizer(read(`tokenizer/${name}.json`))

  it('encodes 300 fuzzed strings', () => {
    const wrong = golden.texts.flatMap((text, i) => {
      const found = tokenizer.encode(text)
      return found.join() === expected.ids[i]?.join() ? [] : [{ text: JSON.stringify(text), found, expected: expected.ids[i] }]
    })
    expect(wrong).toEqual([])
  })

  it('decodes what it encoded, specials kept', () => {
    golden.texts.forEach((text, i) => {
      expect(tokenizer.decode(expected.ids[i] ?? []), `text ${i}`).toBe(expected.decoded[i] ?? text)
    })
  })

  it('decodes random ids, invalid UTF-8 included', () => {
    expect(expected.random_ids.map((sequence) => tokenizer.decode(sequence))).toEqual(expected.random_decoded)
  })

  it('adds special tokens only when asked', () => {
    expect(golden.texts.slice(0, 12).map((text) => tokenizer.encode(text, { addSpecialTokens: true }))).toEqual(expected.with_special)
  })

  it('reads special tokens as text when asked', () => {
    golden.texts.forEach((text, i) => {
      expect(tokenizer.encode(text, { parseSpecials: false }), JSON.stringify(text)).toEqual(
        expected.specials_as_text[i] ?? expected.ids[i],
      )
    })
  })

  it('knows the size of its vocabulary', () => {
    expect(tokenizer.vocabSize).toBe(expected.vocab_size)
  })
})

describe('createHfTokenizer', () => {
  const tokenizer = createHfTokenizer(read('tokenizer/qwen.json'))

  // Ids: Python tokenizers 0.23 on gpt2.json with this pre-tokenizer, which SmolLM2 has.
  it.each([
    [
      true,
      [
        [83, 257, 309, 126, 121],
        [309, 126, 110, 126, 111],
        [64, 220, 16, 17, 15, 15],
        [220, 158, 227, 104, 149, 94, 149, 95],
      ],
    ],
    [
      false,
      [
        [83, 257, 309, 126, 121],
        [309, 126, 110, 126, 111],
        [64, 220, 16, 17, 330],
        [220, 158, 227, 104, 149, 94, 149, 95],
      ],
    ],
  ])('takes every number for digits, one by one: %s', (individual_digits, expected) => {
    const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true }
    const pre_tokenizer = { type: 'Sequence', pretokenizers: [{ type: 'Digits', individual_digits }, byteLevel] }
    const own = createHfTokenizer({ ...z.looseObject({}).parse(read('tokenizer/gpt2.json')), pre_tokenizer })
    expect(['the  ½', '  ²³', 'a 1200', ' Ⅻ١٢'].map((text) => own.encode(text))).toEqual(expected)
  })

  it('is a TextCodec', () => {
    const codec: TextCodec = tokenizer
    expect(codec.decode(codec.encode('a<|im_end|>b'))).toBe('a<|im_end|>b')
  })

  it('finds special ids and says which there are', () => {
    expect(tokenizer.encode('<|im_start|>')).toEqual([tokenizer.specialId('<|im_start|>')])
    expect(tokenizer.specialIds.has(tokenizer.specialId('<|im_end|>'))).toBe(true)
    expect(tokenizer.specialIds.has(tokenizer.specialId('<tool_call>'))).toBe(false)
    expect(() => tokenizer.specialId('<|eot_id|>')).toThrow('no special token "<|eot_id|>"; it has <|endoftext|> <|im_start|>')
  })

  it('decodes nothing to nothing, skips ids of padded rows, refuses what is no id', () => {
    expect(tokenizer.decode([])).toBe('')
    expect(tokenizer.decode([100_000])).toBe('')
    expect(() => tokenizer.decode([-1])).toThrow('found -1')
    expect(() => tokenizer.decode([1.5])).toThrow('found 1.5')
  })

  it('gives each id its text, a character of several ids at the id that completes it', () => {
    const text = 'naïve 日本 👩‍🚀 é.'
    const ids = tokenizer.encode(text)
    const texts = tokenizer.tokenTexts(ids)
    expect(texts).toHaveLength(ids.length)
    expect(texts.join('')).toBe(text)
    expect(texts).toContain('')
    expect(texts.join('')).not.toContain('\ufffd')
    // Cut in the middle of a character: the bytes that stand there show, and what follows is whole.
    const broken = [...tokenizer.encode('👩').slice(0, 1), ...tokenizer.encode('ab')]
    expect(tokenizer.tokenTexts(broken).join('')).toBe('\ufffdab')
  })

  it('takes a lone surrogate for U+FFFD', () => {
    expect(tokenizer.encode('a\ud800')).toEqual(tokenizer.encode('a\ufffd'))
  })

  it('refuses what is not a tokenizer, naming the field', () => {
    expect(() => createHfTokenizer({ model: { vocab: [1] } })).toThrow('tokenizer.json: model.vocab')
    expect(() => createHfTokenizer(null)).toThrow('tokenizer.json')
    expect(() => createHfTokenizer({ model: { type: 'Wrong', vocab: {} }, pre_tokenizer: { type: 'Nope' } })).toThrow('tokenizer.json')
  })
})
