/** Tokens named beside tokenizer.json, and the steps that cut a text: transformers' and tokenizers' values are the golden's. */
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { openTokenizer } from '../../src/models/checkpointTokenizer'
import { createHfTokenizer } from '../../src/models/tokenizer/hfTokenizer'
import { folderFromMap } from '../../src/models/weights/byteSource'
import { goldenText } from './files'

const ids = z.array(z.array(z.number()))
const object = z.record(z.string(), z.unknown())
const golden = z
  .object({
    placements: z.record(
      z.string(),
      z.object({
        base: z.string(),
        files: z.object({
          tokenizer_config: object,
          special_tokens_map: object.optional(),
          added_tokens: object.optional(),
          tokenizer: object.optional(),
        }),
        texts: z.array(z.string()),
        ids,
        specials_as_text: ids,
        with_special: z.array(z.number()),
        added: z.record(z.string(), z.tuple([z.string(), z.boolean()])),
        eos_token: z.string().nullable(),
      }),
    ),
    splits: z.object({
      texts: z.array(z.string()),
      vocab: z.record(z.string(), z.number()),
      last: object,
      cases: z.array(z.object({ step: object, ids })),
    }),
  })
  .parse(JSON.parse(goldenText('named_tokens_golden.json')))
const parsed = (name: string): Record<string, unknown> => object.parse(JSON.parse(goldenText(`tokenizer/${name}.json`)))

describe('tokens named beside tokenizer.json', () => {
  it.each(Object.entries(golden.placements))('are one id each, as in transformers: %s', async (_, given) => {
    const { tokenizer: changes, ...files } = given.files
    const bytes = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value))
    const side = Object.entries(files).map(([name, value]) => [`${name}.json`, bytes(value)] as const)
    const folder = folderFromMap('model', new Map([['tokenizer.json', bytes({ ...parsed(given.base), ...changes })], ...side]))
    const { tokenizerJson, tokenizerConfig } = await openTokenizer(folder)
    const tokenizer = createHfTokenizer(tokenizerJson, tokenizerConfig)
    for (const [id, [content, special]] of Object.entries(given.added)) {
      expect(tokenizer.tokenId(content)).toBe(Number(id))
      if (special) expect([content, tokenizer.specialIds.has(Number(id))]).toEqual([content, true])
    }
    for (const [at, text] of given.texts.entries()) {
      expect([text, tokenizer.encode(text)]).toEqual([text, given.ids[at]])
      expect([text, tokenizer.encode(text, { parseSpecials: false })]).toEqual([text, given.specials_as_text[at]])
    }
    expect(tokenizer.encode('tide', { addSpecialTokens: true })).toEqual(given.with_special)
    const eos = tokenizerConfig.eos_token
    expect(typeof eos === 'object' && eos !== null && 'content' in eos ? eos.content : (eos ?? null)).toBe(given.eos_token)
  })

  it('says which file is wrong', async () => {
    const bytes = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value))
    const opened = (name: string, value: unknown): Promise<unknown> =>
      openTokenizer(
        folderFromMap(
          'model',
          new Map([
            ['tokenizer.json', bytes(parsed('gpt2'))],
            [name, bytes(value)],
          ]),
        ),
      )
    await expect(opened('tokenizer_config.json', { eos_token: 3 })).rejects.toThrow('tokenizer_config.json: eos_token: expected a token')
    await expect(opened('tokenizer_config.json', { added_tokens_decoder: { a: {} } })).rejects.toThrow('added_tokens_decoder')
    await expect(opened('added_tokens.json', { x: 'y' })).rejects.toThrow('added_tokens.json')
    await expect(opened('special_tokens_map.json', { extra_special_tokens: [4] })).rejects.toThrow('special_tokens_map.json')
  })
})

describe('a step that cuts a text', () => {
  const { texts, vocab, last, cases } = golden.splits
  it.each(cases.map((given) => [JSON.stringify(given.step), given] as const))('cuts by its behaviour: %s', (_, given) => {
    const base = parsed('gpt2')
    const tokenizer = createHfTokenizer({
      ...base,
      added_tokens: [],
      post_processor: null,
      pre_tokenizer: { type: 'Sequence', pretokenizers: [given.step, last] },
      model: { ...object.parse(base.model), vocab, merges: [], ignore_merges: true },
    })
    for (const [at, text] of texts.entries()) expect([text, tokenizer.encode(text)]).toEqual([text, given.ids[at]])
  })
})
