/**
 * Unicode's normal forms as Python `tokenizers` has them: its tables are of Unicode 9, so characters that came later neither decompose nor move
 * past one another. The runtime's tables are newer. test/golden/tokenizer_fuzz.py compares the two.
 */
import { type Normalizer, NFCNormalizer, NFDNormalizer, NFKCNormalizer, NFKDNormalizer, SequenceNormalizer } from '@huggingface/tokenizers'

/** Characters newer than Unicode 9 (to 18) with a combining class or a decomposition: test/golden/late_characters.py prints them. */
const LATE = `
558 58b-58c 5c8-5c9 7fd 897-89f 8ca-8d3 9fe c3c d3b-d3c eba 1715 1abf-1af0 1df6-1dfa 209d-209f 32ff a7f1-a7f4 a82c ab69 105c9 105e4
10781-10785 10787-107b0 107b2-107bf 10d24-10d27 10d69-10d6d 10eab-10eac 10ecb-10ecf 10ef0-10efb 10efd-10eff 10f46-10f50 10f82-10f85
11070 1133b 11383 11385 1138e 11391 113c5 113c7-113c8 113ce-113d0 1145e 11839-1183a 11938 1193d-1193e 11943 119e0 11a34 11a47 11a99
11d42 11d44-11d45 11d97 11f41-11f42 16121-16128 1612f 16d68-16d6a 16ff0-16ff1 1b123-1b126 1ccd6-1ccf9 1d127-1d128 1d250-1d252
1d25b-1d25c 1d25f 1d280-1d281 1d6a6 1df95 1dfcd-1dfff 1e030-1e06d 1e08f 1e130-1e136 1e2ae 1e2ec-1e2ef 1e4ec-1e4ef 1e5ee-1e5ef 1e6e3
1e6e6 1e6ee-1e6ef 1e6f5 1f16c 1fbf0-1fbf9`

const ranges = LATE.trim().replace(/[0-9a-f]+/g, (code) => `\\u{${code}}`)
const late = new RegExp(`([${ranges.replace(/\s+/g, '')}]+)`, 'u')

type Form = 'NFC' | 'NFD' | 'NFKC' | 'NFKD'

/** To a form that does not know it, a late character is a letter that combines with nothing: what stands around it is normalised apart. */
function normalize(text: string, form: Form): string {
  return late.test(text)
    ? text
        .split(late)
        .map((part, at) => (at % 2 === 0 ? part.normalize(form) : part))
        .join('')
    : text.normalize(form)
}

const FORMS = [
  [NFCNormalizer, 'NFC'],
  [NFDNormalizer, 'NFD'],
  [NFKCNormalizer, 'NFKC'],
  [NFKDNormalizer, 'NFKD'],
] as const

export function correctNormalForms(normalizer: Normalizer | null): void {
  if (normalizer instanceof SequenceNormalizer) normalizer.normalizers.forEach(correctNormalForms)
  const form = FORMS.find(([kind]) => normalizer instanceof kind)?.[1]
  if (normalizer && form) normalizer.normalize = (text) => normalize(text, form)
}
