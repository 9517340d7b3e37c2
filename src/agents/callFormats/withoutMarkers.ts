/** Text from outside inside a prompt: it must not speak as another role. */
import type { FormatEvidence } from './callFormat'

const MARK = /<[^<>\s]{1,60}>|\[[A-Z_/]{2,30}\]/g

/** A special token that the text spells gets a blank after its first character, so that it is read as ordinary text. */
export function withoutMarkers(text: string, { tokenizer }: Pick<FormatEvidence, 'tokenizer'>): string {
  const { specialIds } = tokenizer
  if (!specialIds) return text
  return text.replace(MARK, (mark) => {
    const id = tokenizer.tokenId(mark)
    return id !== null && specialIds.has(id) ? `${mark.slice(0, 1)} ${mark.slice(1)}` : mark
  })
}
