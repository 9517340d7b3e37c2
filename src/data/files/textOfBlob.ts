/** The text of a file, decompressed when gzip compressed it: its first two bytes say so, whatever its name. */

/** Characters that a file may hold once it is decompressed: a small file can hold gigabytes. */
const MOST_CHARACTERS = 1 << 29

/** @param path for messages. Throws an Error for a file that is cut off or too large. */
export async function textOfBlob(blob: Blob, path: string, mostCharacters = MOST_CHARACTERS): Promise<string> {
  const [first, second] = new Uint8Array(await blob.slice(0, 2).arrayBuffer())
  const isGzip = first === 0x1f && second === 0x8b
  const bytes = isGzip ? blob.stream().pipeThrough(new DecompressionStream('gzip')) : blob.stream()
  const reader = bytes.pipeThrough(new TextDecoderStream()).getReader()
  const parts: string[] = []
  let characters = 0
  try {
    for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
      characters += piece.value.length
      if (characters > mostCharacters) throw new RangeError(`${path}: expected at most ${mostCharacters} characters, found more.`)
      parts.push(piece.value)
    }
  } catch (error) {
    await reader.cancel().catch(() => undefined)
    if (error instanceof RangeError) throw error
    throw new Error(`${path}: expected a whole ${isGzip ? 'gzip' : 'text'} file, found one that cannot be read to its end.`, {
      cause: error,
    })
  }
  return parts.join('')
}
