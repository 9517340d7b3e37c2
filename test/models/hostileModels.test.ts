/** Files of a model that would keep the studio busy for days, fill its memory or its screen: one sentence each, soon. */
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { parseModelConfig } from '../../src/models/architectures/config'
import { readModelConfig } from '../../src/models/modelConfigFile'
import { createChatTemplate } from '../../src/models/tokenizer/chatTemplate'
import { createHfTokenizer } from '../../src/models/tokenizer/hfTokenizer'
import { folderFromMap } from '../../src/models/weights/byteSource'
import { goldenText, openBytes, withHeader } from './files'

const clock = (): number => performance.now()

const SOON_MS = 10_000
const messages = [{ role: 'user', content: 'hi' }]

describe('a hostile chat template', () => {
  const range = 'range(1000)'
  it.each([
    [
      'nested loops',
      `{% for a in ${range} %}{% for b in ${range} %}{% for c in ${range} %}x{% endfor %}{% endfor %}{% endfor %}`,
      'did not end within',
    ],
    ['nested empty loops', '{% set r = range(90000) %}{% for a in r %}{% for b in r %}{% endfor %}{% endfor %}', 'did not end within'],
    ['a loop over a long range', '{% for a in range(10000000000) %}{% endfor %}', 'range() of 10000000000 items is too long'],
    [
      'a text that doubles',
      `{% set ns = namespace(x='ab') %}{% for i in range(60) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}{{ ns.x }}`,
      'it makes a text of more than',
    ],
    ['a macro that calls itself', '{% macro f(x) %}{{ f(x) }}{% endmacro %}{{ f(1) }}', 'rendering failed'],
    ['deep brackets', `{{ ${'('.repeat(100_000)}1${')'.repeat(100_000)} }}`, 'not valid Jinja'],
    ['a long source', 'x'.repeat(1_000_001), 'expected at most 1000000 characters, found 1000001'],
  ])('is ended in one sentence: %s', { timeout: SOON_MS }, (_, source, message) => {
    expect(() => createChatTemplate(source, clock).render({ messages })).toThrow(/^chat template: [^\n]{0,2100}$/)
    expect(() => createChatTemplate(source, clock).render({ messages })).toThrow(message)
  })

  it('is ended in one sentence: few steps, each of which joins and rewrites long texts', { timeout: 2 * SOON_MS }, () => {
    const source =
      `{% set ns = namespace(x='ab') %}{% for i in range(20) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}` +
      `{% for i in range(20000) %}{% set y = [ns.x, i, ns.x] | join(ns.x) | replace('b', 'c') | upper | length %}{% endfor %}`
    const began = clock()
    expect(() => createChatTemplate(source, clock).render({ messages })).toThrow(
      /^chat template: rendering failed: it did not end within 5 seconds$/,
    )
    expect(clock() - began).toBeLessThan(SOON_MS)
  })

  it('is ended by the clock it is given, at the next step', () => {
    let reads = 0
    const template = createChatTemplate('{% for a in range(50) %}x{% endfor %}', () => (reads += 1) * 1000)
    expect(() => template.render({ messages })).toThrow('chat template: rendering failed: it did not end within 5 seconds')
    expect(reads).toBe(7)
  })

  it('leaves a long conversation alone', () => {
    const many = Array.from({ length: 2000 }, (_, at) => ({ role: at % 2 ? 'assistant' : 'user', content: 'word '.repeat(100) }))
    const template = createChatTemplate(
      '{% for m in messages %}<|{{ m.role }}|>{{ m.content | trim }}{% if not loop.last %}\n{% endif %}{% endfor %}',
      clock,
    )
    expect(template.render({ messages: many }).length).toBeGreaterThan(900_000)
  })
})

describe('a hostile pattern of a tokenizer', () => {
  const base = z.looseObject({ model: z.looseObject({}) }).parse(JSON.parse(goldenText('tokenizer/gpt2.json')))
  const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: false }
  const withPattern = (Regex: string) => ({
    ...base,
    pre_tokenizer: {
      type: 'Sequence',
      pretokenizers: [{ type: 'Split', pattern: { Regex }, behavior: 'Isolated', invert: false }, byteLevel],
    },
  })

  it.each([
    '(a+)+$',
    '(a|aa)+$',
    '(?:a*)*b',
    '((a?)b?)+c',
    '(a{1,100}){1,100}$',
    '(?:\\s+|x)*y',
    '([ab]*c?)+d',
    'a*a*a*a*b',
    '(?=(a+)+$)x',
    '(?i:(\\p{L}+)+)!',
  ])('is refused: %s', (pattern) => {
    const tokenizer = (): unknown => createHfTokenizer(withPattern(pattern)).encode(`${'a'.repeat(40)}!`)
    expect(tokenizer).toThrow(`tokenizer.json: pre_tokenizer: the pattern ${JSON.stringify(pattern)}`)
    expect(tokenizer).toThrow('so that a text could keep it busy without end')
  })

  it('is refused in a normalizer and a decoder too', () => {
    const replace = { type: 'Replace', pattern: { Regex: '(a+)+$' }, content: '' }
    expect(() => createHfTokenizer({ ...base, normalizer: { type: 'Sequence', normalizers: [replace] } })).toThrow(
      'tokenizer.json: normalizer',
    )
    expect(() => createHfTokenizer({ ...base, decoder: replace })).toThrow('tokenizer.json: decoder')
  })

  // GPT-2, Llama 3, Qwen 2, GPT-4o, DeepSeek-V3, BLOOM and one that groups digits from the right.
  it.each([
    String.raw`'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`,
    String.raw`(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`,
    String.raw`[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+`,
    String.raw`[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`,
    String.raw` ?[^(\s|[.,!?…。，、।۔،])]+`,
    String.raw`\d{1,3}(?=(?:\d{3})*\b)`,
  ])('is not what published tokenizers have: %s', (pattern) => {
    const tokenizer = createHfTokenizer(withPattern(pattern))
    expect(tokenizer.decode(tokenizer.encode(`It's 1234567!${' '.repeat(5000)}\n\nyes`))).toContain('1234567')
  })
})

describe('a hostile configuration', () => {
  const tiny = { model_type: 'llama', vocab_size: 96, hidden_size: 32, intermediate_size: 48, num_hidden_layers: 2, num_attention_heads: 4 }
  it.each(['num_hidden_layers', 'hidden_size', 'intermediate_size', 'num_attention_heads', 'vocab_size', 'head_dim'])(
    'of 10⁹ in %s is refused',
    (key) => {
      expect(() => parseModelConfig({ ...tiny, [key]: 1_000_000_000 })).toThrow(
        new RegExp(`^config\\.json: ${key} 1000000000 is not supported; expected at most \\d+$`),
      )
    },
  )

  it('of 300 MB is not read', async () => {
    let read = 0
    const source = {
      name: 'config.json',
      size: 300e6,
      read: (_: number, length: number) => {
        read += length
        return Promise.resolve(new Uint8Array(length))
      },
    }
    const folder = folderFromMap('model', new Map([['config.json', source]]))
    await expect(readModelConfig(folder)).rejects.toThrow(/^config\.json: expected at most \d+ bytes of text, found 300000000$/)
    expect(read).toBe(0)
  })

  it('shows as one short line what it is called, without characters that steer a terminal or the direction of text', async () => {
    const name = `\u001b[2J\u202e${'n'.repeat(100_000)}`
    const failure = async (run: () => unknown): Promise<string> => {
      try {
        await run()
      } catch (error) {
        return error instanceof Error ? error.message : ''
      }
      return ''
    }
    const found = [
      await failure(() => parseModelConfig({ ...tiny, [name]: 1 })),
      await failure(() => parseModelConfig({ ...tiny, model_type: name })),
      await failure(() => parseModelConfig({ ...tiny, hidden_act: name })),
      await failure(() => openBytes(withHeader({ [name]: { dtype: name } }, 0))),
    ]
    for (const message of found) {
      expect(message.length).toBeGreaterThan(20)
      expect(message.length).toBeLessThan(2500)
      expect(message).not.toMatch(/[\u0000-\u001f\u202e]/)
    }
  })
})
