/**
 * Unigram segmentation (Kudo 2018): the pieces of the highest total log-probability, as SentencePiece finds them
 * (`EncodeOptimized` in https://github.com/google/sentencepiece/blob/v0.2.1/src/unigram_model.cc). Departures of
 * @huggingface/tokenizers 0.2.0 mended here: byte fallback, pieces that are no text (`<s>`, `<0x0A>`) never match text, and
 * sums are rounded as there.
 */
export interface UnigramVocabulary {
  /** Log-probability in nats of the pieces that text may be made of. */
  readonly scores: ReadonlyMap<string, number>
  /** Score of a character that no piece covers. */
  readonly unkScore: number
  /** What such characters become: their bytes when this is true, else one `unkToken` for a run of them. */
  readonly byteFallback: boolean
  readonly unkToken: string
}

export function createUnigramSegmenter({ scores, unkScore, byteFallback, unkToken }: UnigramVocabulary): (text: string) => string[] {
  let longest = 1
  for (const piece of scores.keys()) longest = Math.max(longest, Array.from(piece).length)
  const encoder = new TextEncoder()
  const unknown = (character: string): string[] =>
    byteFallback ? Array.from(encoder.encode(character), (byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`) : [unkToken]

  return (text) => {
    const characters = Array.from(text)
    /** Best path to each border between characters: its score, where its last piece starts, and that piece, or null if unknown. */
    const paths: { score: number; start: number; piece: string | null }[] = []
    paths[0] = { score: 0, start: 0, piece: null }
    const offer = (end: number, start: number, piece: string | null, score: number): void => {
      // sentencepiece compares in f64 and keeps in f32, which decides between paths of the same pieces in another order.
      const total = (paths[start]?.score ?? 0) + score
      const best = paths[end]
      if (!best || total > best.score) paths[end] = { score: Math.fround(total), start, piece }
    }
    for (let start = 0; start < characters.length; start++) {
      let piece = ''
      for (let end = start + 1; end <= Math.min(characters.length, start + longest); end++) {
        piece += characters[end - 1] ?? ''
        const score = scores.get(piece)
        if (score !== undefined) offer(end, start, piece, score)
        else if (end === start + 1) offer(end, start, null, unkScore)
      }
    }
    const pieces: string[] = []
    for (let end = characters.length; end > 0;) {
      const { start, piece } = paths[end] ?? { start: end - 1, piece: null }
      const tokens = piece === null ? unknown(characters[start] ?? '') : [piece]
      const isRepeatedUnknown = piece === null && !byteFallback && pieces.at(-1) === unkToken
      if (!isRepeatedUnknown) pieces.push(...tokens.reverse())
      end = start
    }
    return pieces.reverse()
  }
}
