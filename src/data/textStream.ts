/** Bytes of a file → text with plain `\n` line ends, piece by piece, without holding the whole file. */

export type ByteSource = Uint8Array | ReadableStream<Uint8Array> | AsyncIterable<Uint8Array>

export interface TextReport {
  encoding: 'utf-8' | 'utf-16le' | 'utf-16be'
  /** True once bytes were met that are no text in this encoding; they became U+FFFD. */
  hasUndecodable: boolean
}

/** Pieces of bytes, whatever they came in. A large array is cut up, so that progress and memory stay even. */
export async function* byteChunks(source: ByteSource, pieceBytes = 1 << 20): AsyncGenerator<Uint8Array> {
  if (source instanceof Uint8Array) {
    for (let at = 0; at < source.length; at += pieceBytes) yield source.subarray(at, at + pieceBytes)
  } else if ('getReader' in source) {
    // Not every engine can iterate a ReadableStream.
    const reader = source.getReader()
    try {
      for (;;) {
        const { done, value } = await reader.read()
        if (done) return
        yield value
      }
    } finally {
      reader.releaseLock()
    }
  } else yield* source
}

/**
 * Decodes UTF-8, or UTF-16 where a byte order mark says so (Excel's "Unicode text"), drops the mark and turns `\r\n` and lone
 * `\r` into `\n`, inside quoted cells too. Undecodable bytes become U+FFFD and are reported, never thrown.
 */
export async function* textChunks(chunks: AsyncIterable<Uint8Array>, report: TextReport): AsyncGenerator<string> {
  let head = new Uint8Array(0)
  const line = { endedInReturn: false }
  const normalise = (text: string): string => {
    if (text === '') return ''
    const joined = line.endedInReturn && !text.startsWith('\n') ? `\n${text}` : text
    line.endedInReturn = text.endsWith('\r')
    return (line.endedInReturn ? joined.slice(0, -1) : joined).replaceAll('\r\n', '\n').replaceAll('\r', '\n')
  }
  let decoder: Decoder | null = null
  for await (const chunk of chunks) {
    if (decoder === null && head.length + chunk.length < 3) {
      // A byte order mark may be cut in two.
      head = Uint8Array.from([...head, ...chunk])
      continue
    }
    const bytes = head.length > 0 ? Uint8Array.from([...head, ...chunk]) : chunk
    head = new Uint8Array(0)
    decoder ??= new Decoder(encodingOf(bytes), report)
    const text = normalise(decoder.decode(bytes, true))
    if (text !== '') yield text
  }
  decoder ??= new Decoder(encodingOf(head), report)
  const last = normalise(decoder.decode(head, false)) + (line.endedInReturn ? '\n' : '')
  if (last !== '') yield last
}

/** Decodes leniently, and beside it strictly until the first byte that is no text. */
class Decoder {
  readonly #strict: TextDecoder
  readonly #lenient: TextDecoder
  readonly #report: TextReport

  constructor(encoding: TextReport['encoding'], report: TextReport) {
    this.#strict = new TextDecoder(encoding, { fatal: true })
    this.#lenient = new TextDecoder(encoding)
    this.#report = report
    report.encoding = encoding
  }

  decode(bytes: Uint8Array, stream: boolean): string {
    if (!this.#report.hasUndecodable)
      try {
        this.#strict.decode(bytes, { stream })
      } catch {
        this.#report.hasUndecodable = true
      }
    return this.#lenient.decode(bytes, { stream })
  }
}

function encodingOf(bytes: Uint8Array): TextReport['encoding'] {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return 'utf-16le'
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return 'utf-16be'
  return 'utf-8'
}

/** Lines of a text, without their ends; a line longer than `maxChars` (UTF-16 units) throws, so that a wrong file cannot fill memory. */
export async function* lines(text: AsyncIterable<string>, maxChars = 1 << 28): AsyncGenerator<string> {
  let rest: string[] = []
  let characters = 0
  for await (const chunk of text) {
    let from = 0
    for (let at = chunk.indexOf('\n'); at >= 0; at = chunk.indexOf('\n', from)) {
      rest.push(chunk.slice(from, at))
      yield rest.join('')
      rest = []
      characters = 0
      from = at + 1
    }
    if (from < chunk.length) {
      rest.push(chunk.slice(from))
      characters += chunk.length - from
      if (characters > maxChars) throw new RangeError(`A line is longer than ${String(maxChars)} characters.`)
    }
  }
  if (rest.length > 0) yield rest.join('')
}
