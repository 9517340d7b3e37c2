/**
 * Byte-level BPE training (Sennrich et al. 2016, with GPT-2's byte alphabet), written out in the `tokenizers` JSON layout.
 * Small and plain: our vocabularies have hundreds of entries, not hundreds of thousands.
 */

export interface BpeOptions {
  /** Upper bound on ids: bytes, merges and specials together. */
  readonly vocabSize: number
  /** JavaScript and Oniguruma must both read it: the pieces merges may not cross. */
  readonly pattern: string
  readonly specials: readonly string[]
  /** Pieces that must be one token wherever they stand, and that never merge with each other. Two ASCII characters each. */
  readonly atoms?: readonly string[]
}

export interface BpeTokenizerJson {
  readonly version: '1.0'
  readonly truncation: null
  readonly padding: null
  readonly added_tokens: readonly {
    id: number
    content: string
    single_word: boolean
    lstrip: boolean
    rstrip: boolean
    normalized: boolean
    special: boolean
  }[]
  readonly normalizer: null
  readonly pre_tokenizer: {
    readonly type: 'Sequence'
    readonly pretokenizers: readonly [
      { type: 'Split'; pattern: { Regex: string }; behavior: 'Isolated'; invert: false },
      { type: 'ByteLevel'; add_prefix_space: false; trim_offsets: true; use_regex: false },
    ]
  }
  readonly post_processor: null
  readonly decoder: { readonly type: 'ByteLevel'; add_prefix_space: boolean; trim_offsets: boolean; use_regex: boolean }
  readonly model: {
    readonly type: 'BPE'
    readonly dropout: null
    readonly unk_token: null
    readonly continuing_subword_prefix: null
    readonly end_of_word_suffix: null
    readonly fuse_unk: false
    readonly byte_fallback: false
    readonly ignore_merges: false
    readonly vocab: Readonly<Record<string, number>>
    readonly merges: readonly (readonly [string, string])[]
  }
}

/** GPT-2's printable stand-in for every byte. */
export function byteAlphabet(): string[] {
  const alphabet: string[] = []
  let spare = 0
  for (let byte = 0; byte < 256; byte++) {
    const printable = (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || (byte >= 174 && byte <= 255)
    alphabet.push(String.fromCodePoint(printable ? byte : 256 + spare++))
  }
  return alphabet
}

interface Word {
  pieces: string[]
  readonly count: number
}

interface Pair {
  readonly left: string
  readonly right: string
  count: number
}

/**
 * Learns merges from `texts`, the most frequent pair first, until the vocabulary has `vocabSize` entries or no pair occurs twice. Ids: specials,
 * the 256 bytes, then merges in their order.
 */
export function trainBpe(texts: Iterable<string>, options: BpeOptions): BpeTokenizerJson {
  const alphabet = byteAlphabet()
  const atoms = new Set(options.atoms ?? [])
  const words = wordsOf(texts, options.pattern, alphabet)
  const vocab = new Map<string, number>()
  for (const token of options.specials) vocab.set(token, vocab.size)
  for (const token of alphabet) vocab.set(token, vocab.size)
  const merges: [string, string][] = []
  const merge = (left: string, right: string): void => {
    merges.push([left, right])
    if (!vocab.has(left + right)) vocab.set(left + right, vocab.size)
    mergeInWords(words, left, right)
  }
  // Atoms come first, so they exist before any longer merge can swallow one of their letters.
  for (const atom of atoms) merge(atom.slice(0, 1), atom.slice(1))
  while (vocab.size < options.vocabSize) {
    const best = mostFrequentPair(words, atoms)
    if (!best || best.count < 2) break
    merge(best.left, best.right)
  }
  return tokenizerJson(options, vocab, merges)
}

/** The distinct pieces that `pattern` cuts from the texts, as characters of the byte alphabet, with how often each occurs. */
function wordsOf(texts: Iterable<string>, pattern: string, alphabet: readonly string[]): Word[] {
  const cut = new RegExp(pattern, 'gu')
  const counts = new Map<string, number>()
  for (const text of texts) for (const [piece] of text.matchAll(cut)) counts.set(piece, (counts.get(piece) ?? 0) + 1)
  const encoder = new TextEncoder()
  return [...counts].map(([piece, count]) => ({ pieces: Array.from(encoder.encode(piece), (byte) => alphabet[byte] ?? ''), count }))
}

/** Replaces every `left` followed by `right` by their union, in place. */
function mergeInWords(words: readonly Word[], left: string, right: string): void {
  for (const { pieces } of words)
    for (let i = 0; i + 1 < pieces.length; i++) if (pieces[i] === left && pieces[i + 1] === right) pieces.splice(i, 2, left + right)
}

/** The pair of neighbours that occurs most often, two atoms excepted; null when no word has two pieces. */
function mostFrequentPair(words: readonly Word[], atoms: ReadonlySet<string>): Pair | null {
  let best: Pair | null = null
  // Ties go to the smaller pair, so that the same texts give the same file everywhere.
  for (const pair of pairsOf(words, atoms)) {
    if (!best || pair.count > best.count || (pair.count === best.count && `${pair.left} ${pair.right}` < `${best.left} ${best.right}`))
      best = pair
  }
  return best
}

function pairsOf(words: readonly Word[], atoms: ReadonlySet<string>): Iterable<Pair> {
  const pairs = new Map<string, Pair>()
  for (const { pieces, count } of words) {
    for (let i = 0; i + 1 < pieces.length; i++) {
      const left = pieces[i] ?? ''
      const right = pieces[i + 1] ?? ''
      if (atoms.has(left) && atoms.has(right)) continue
      const key = `${left} ${right}`
      const pair = pairs.get(key)
      if (pair) pair.count += count
      else pairs.set(key, { left, right, count })
    }
  }
  return pairs.values()
}

/** The file that Python `tokenizers` and `createHfTokenizer` read. */
function tokenizerJson(
  { specials, pattern }: BpeOptions,
  vocab: ReadonlyMap<string, number>,
  merges: readonly (readonly [string, string])[],
): BpeTokenizerJson {
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: specials.map((content, id) => ({
      id,
      content,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special: true,
    })),
    normalizer: null,
    pre_tokenizer: {
      type: 'Sequence',
      pretokenizers: [
        { type: 'Split', pattern: { Regex: pattern }, behavior: 'Isolated', invert: false },
        { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: false },
      ],
    },
    post_processor: null,
    decoder: { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true, use_regex: true },
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: false,
      vocab: Object.fromEntries(vocab),
      merges,
    },
  }
}
