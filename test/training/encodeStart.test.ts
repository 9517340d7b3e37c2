import { describe, expect, it } from 'vitest'
import { createHfTokenizer } from '../../src/models/tokenizer/hfTokenizer'
import { tokenizerJsonFromSentencePiece } from '../../src/models/tokenizer/sentencePiece'
import { encodeStart } from '../../src/training/batches/tokenizedTrajectory'
import { goldenBytes } from '../models/files'

const tokenizer = (config: object) => createHfTokenizer(tokenizerJsonFromSentencePiece(goldenBytes('tokenizer/llama.model'), config))

describe('encodeStart', () => {
  it('begins with BOS once, where the tokenizer adds one', () => {
    const own = tokenizer({ add_eos_token: true })
    expect(encodeStart('the tool', own)).toEqual([1, ...own.encode('the tool')])
    expect(encodeStart('<s>the tool', own)).toEqual(own.encode('<s>the tool'))
    const without = tokenizer({ add_bos_token: false })
    expect(encodeStart('the tool', without)).toEqual(without.encode('the tool'))
  })
})
