/** Tokenizers and chat templates on the fuzzed strings, block by block, against the digests of the Python libraries' results. */
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { createChatTemplate, type ChatMessage } from '../../src/models/tokenizer/chatTemplate'
import { createHfTokenizer, type HfTokenizer } from '../../src/models/tokenizer/hfTokenizer'
import { tokenizerJsonFromSentencePiece } from '../../src/models/tokenizer/sentencePiece'
import { goldenBytes, goldenText } from './files'
import { digests, fuzzString } from './fuzzStrings'

const clock = (): number => performance.now()

const json = (file: string): unknown => JSON.parse(goldenText(file))
const digest = z.array(z.string().regex(/^[0-9a-f]{12}$/))
const size = { strings: z.int(), block: z.int() }
const golden = z
  .object({
    ...size,
    texts: digest,
    first: z.array(z.record(z.string(), z.union([z.string(), z.array(z.int())]))),
    tokenizers: z.record(z.string(), z.object({ ids: digest, as_text: digest, decoded: digest })),
    newer: z.array(z.int()),
    across: z.record(z.string(), digest),
    templates: z.record(z.string(), digest),
  })
  .parse(json('tokenizer_fuzz_golden.json'))
const pieces = z
  .object({ ...size, readings: z.record(z.string(), z.object({ ids: digest, decoded: digest })) })
  .parse(json('sentencepiece_fuzz_golden.json'))
const { readings } = z
  .object({ readings: z.record(z.string(), z.object({ model: z.string(), config: z.record(z.string(), z.unknown()) })) })
  .parse(json('sentencepiece_golden.json'))
const { templates } = z.object({ templates: z.record(z.string(), z.string()) }).parse(json('chat_template_golden.json'))

const { strings, block } = golden
const texts = Array.from({ length: strings }, (_, index) => fuzzString(index))

/** Blocks whose results differ: `python test/golden/tokenizer_fuzz.py NAME INDEX…` prints Python's. */
function differing(results: readonly (string | readonly number[])[], expected: readonly string[]): string[] {
  const blocks = Math.ceil(results.length / block)
  return digests(results, block).flatMap((found, at) =>
    found === expected[at] ? [] : [`block ${at} of ${blocks}: strings ${at * block} … ${(at + 1) * block - 1}`],
  )
}

function holdTokenizer(name: string, tokenizer: HfTokenizer, expected: { ids: readonly string[]; decoded: readonly string[] }): number[][] {
  const all = texts.map((text) => tokenizer.encode(text))
  expect(differing(all, expected.ids), `${name}: ids`).toEqual([])
  const decoded = all.map((ids) => tokenizer.decode(ids))
  expect(differing(decoded, expected.decoded), `${name}: text of ids`).toEqual([])
  return all
}

/** Four strings at once: a question, the arguments of a call, a tool's reply, and the answer. */
function messagesAt(at: number): ChatMessage[] {
  const [one = '', two = '', three = '', four = ''] = [0, 1, 2, 3].map((next) => texts[(at + next) % strings])
  const call = { type: 'function', function: { name: 'get_weather', arguments: { city: two, [`_${one}`]: [1.5, null, true] } } }
  return [
    { role: 'user', content: one },
    { role: 'assistant', content: '', tool_calls: [call] },
    { role: 'tool', content: three },
    { role: 'assistant', content: four },
  ]
}

/** @param others how many strings are also read with special tokens as text, and rendered: every one of these takes as long again. */
export function fuzzSuite({ others }: { readonly others: number }): void {
  const some = texts.slice(0, others)

  it('the strings are the same here and in Python', () => {
    expect([strings, pieces.strings, pieces.block]).toEqual([10_000, strings, block])
    expect(differing(texts, golden.texts)).toEqual([])
  })

  describe.each(Object.entries(golden.tokenizers))('%s', (name, expected) => {
    const tokenizer = createHfTokenizer(json(`tokenizer/${name}.json`))
    it('has the ids of Python tokenizers on 10,000 strings, and reads them back', () => {
      for (const row of golden.first) expect(tokenizer.encode(z.string().parse(row.text))).toEqual(row[name])
      holdTokenizer(name, tokenizer, expected)
    })
    it('reads special tokens as text where it is told to', () => {
      const asText = some.map((text) => tokenizer.encode(text, { parseSpecials: false }))
      expect(differing(asText, expected.as_text)).toEqual([])
    })
  })

  it.each(Object.entries(golden.across))('%s cuts text where Python does: merges that reach across words show it', (name, expected) => {
    const split = z.record(z.string(), z.unknown())
    const { normalizer, pre_tokenizer } = split.parse(json(`tokenizer/${name}.json`))
    const tokenizer = createHfTokenizer({ ...split.parse(json('tokenizer/across.json')), normalizer, pre_tokenizer })
    // Characters newer than Unicode 14 are of the class that the runtime's version gives them: left out on both sides.
    const newer = new Set(golden.newer)
    const found = some.map((text, at) => (newer.has(at) ? [] : tokenizer.encode(text)))
    expect(differing(found, expected)).toEqual([])
  })

  describe.each(Object.entries(pieces.readings).filter(([name]) => name in readings))('tokenizer.model, %s', (name, expected) => {
    const { model = '', config = {} } = readings[name] ?? {}
    const tokenizer = createHfTokenizer(tokenizerJsonFromSentencePiece(goldenBytes(`tokenizer/${model}.model`), config), config)
    it('has the ids of transformers and sentencepiece on 10,000 strings, and reads them back', () => {
      holdTokenizer(name, tokenizer, expected)
    })
  })

  it('unigram.model has sentencepiece’s ids, where its own symbols are not written', () => {
    const tokenizer = createHfTokenizer(tokenizerJsonFromSentencePiece(goldenBytes('tokenizer/unigram.model')))
    const all = texts.map((text) => (text.includes('<tool>') ? [] : tokenizer.encode(text, { parseSpecials: false })))
    expect(differing(all, pieces.readings.unigram?.ids ?? [])).toEqual([])
    // Characters it has no piece for: sentencepiece writes ⁇.
    const decoded = all.map((ids) => (ids.includes(0) ? '' : tokenizer.decode(ids)))
    expect(differing(decoded, pieces.readings.unigram?.decoded ?? [])).toEqual([])
  })

  it.each(Object.entries(golden.templates))('the %s template writes what transformers’ does', (name, expected) => {
    const template = createChatTemplate(templates[name] ?? '', clock)
    const tools = [{ type: 'function', function: { name: 'get_weather', description: texts[0] } }]
    const variables = { bos_token: '<s>', date_string: '1 Jan 2026' }
    const found = some.map((_, at) => template.render({ messages: messagesAt(at), tools, addGenerationPrompt: true, variables }))
    expect(differing(found, expected)).toEqual([])
  })
}
