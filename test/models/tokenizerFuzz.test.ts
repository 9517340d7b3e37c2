/** 10,000 strings through every tokenizer; what takes as long again, on the first 500. test/deep/tokenizerFuzz.deep.test.ts does all. */
import { fuzzSuite } from './fuzzSuite'

fuzzSuite({ others: 500 })
