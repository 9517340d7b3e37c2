/** Text from outside as a message can hold it: one line, without characters that steer a terminal or the direction of writing, and not too long. */
const STEERING = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g
const MOST = 2000

export function oneLine(text: string, most = MOST): string {
  const short = text.length > most ? `${text.slice(0, most)}…` : text
  return short.replace(STEERING, (char) => (char === '\n' ? ' ' : `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`))
}
