import { Tokenizer } from '@huggingface/tokenizers'
import { describe, expect, test } from 'vitest'
import { byteAlphabet, trainBpe } from '../../src/models/tokenizer/trainBpe'

const pattern = '[A-Z][a-z]*|[a-z]+|[0-9]| +|[^A-Za-z0-9 ]+'
const texts = ['the rain in Karu', 'the rain of the city', 'rain rain city 42']
const json = trainBpe(texts, { vocabSize: 300, pattern, specials: ['<|pad|>', '<|end|>'], atoms: ['Ka', 'ru', 'ci'] })
const tokenizer = new Tokenizer(json, {})
const tokens = (text: string) => tokenizer.encode(text, { add_special_tokens: false }).tokens

describe('trainBpe', () => {
  test('the byte alphabet has 256 distinct characters', () => {
    expect(new Set(byteAlphabet()).size).toBe(256)
  })

  test('ids are dense: specials, bytes, merges', () => {
    const ids = Object.values(json.model.vocab).sort((a, b) => a - b)
    expect(ids).toEqual(ids.map((_, index) => index))
    expect(ids.length).toBeLessThanOrEqual(300)
    expect(json.model.vocab['<|end|>']).toBe(1)
    expect(json.model.vocab['!']).toBe(2 + 33)
  })

  test('frequent words become one token', () => {
    expect(tokens('rain')).toEqual(['rain'])
    expect(tokens('the')).toEqual(['the'])
  })

  test('atoms stay apart and whole', () => {
    expect(tokens('Karu')).toEqual(['Ka', 'ru'])
    expect(tokens('Karuru')).toEqual(['Ka', 'ru', 'ru'])
  })

  test('any text survives', () => {
    for (const text of ['Zoë 語 🙂\n\t"quoted" \\ back', '   ', 'x_y(z="1")', 'ÿĀ']) {
      expect(tokenizer.decode(tokenizer.encode(text, { add_special_tokens: false }).ids, { clean_up_tokenization_spaces: false })).toBe(
        text,
      )
    }
  })

  test('the same texts give the same file; their order does not matter', () => {
    const again = trainBpe([...texts].reverse(), { vocabSize: 300, pattern, specials: ['<|pad|>', '<|end|>'], atoms: ['Ka', 'ru', 'ci'] })
    expect(JSON.stringify(again)).toBe(JSON.stringify(json))
  })

  test('a merge is never listed twice', () => {
    expect(new Set(json.model.merges.map((merge) => merge.join(' '))).size).toBe(json.model.merges.length)
  })
})
