/** Text from outside, in quotes and short enough for a sentence. */
export function excerpt(text: string, length = 40): string {
  return JSON.stringify(text.length > length ? `${text.slice(0, length)}…` : text)
}
