import { describe, expect, it } from 'vitest'
import { promptIds } from '../../src/cli/doctor/promptedModel'
import { createHfTokenizer } from '../../src/models/tokenizer/hfTokenizer'
import { tokenizerJsonFromSentencePiece } from '../../src/models/tokenizer/sentencePiece'
import { goldenBytes } from '../models/files'

const tokenizer = (config: object) => createHfTokenizer(tokenizerJsonFromSentencePiece(goldenBytes('tokenizer/llama.model'), config))

describe('promptIds', () => {
  it('begin with BOS once, where the tokenizer adds one', () => {
    const own = tokenizer({ add_eos_token: true })
    expect(promptIds('the tool', own)).toEqual([1, ...own.encode('the tool')])
    expect(promptIds('<s>the tool', own)).toEqual(own.encode('<s>the tool'))
    const without = tokenizer({ add_bos_token: false })
    expect(promptIds('the tool', without)).toEqual(without.encode('the tool'))
  })
})
