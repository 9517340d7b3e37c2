/** Hides a secret in text that a server wrote: as it is, and in the encodings in which servers repeat what they were sent. */

export type Mask = (text: string) => string

const HIDDEN = '[key]'
/** Shorter ones, such as "EMPTY" for servers that want none, are words and no secrets. */
const LEAST_LENGTH = 6

/** @param secret printable ASCII; '' for none. */
export function createMask(secret: string): Mask {
  if (secret.length < LEAST_LENGTH) return (text) => text
  const hex = Array.from(secret, (char) => char.charCodeAt(0).toString(16).padStart(2, '0'))
  const exact = [
    secret,
    JSON.stringify(secret).slice(1, -1),
    secret.replaceAll('/', String.raw`\/`),
    htmlEscaped(secret),
    ...base64Forms(secret),
  ]
  const anyCase = [encodeURIComponent(secret), hex.map((pair) => `%${pair}`).join(''), hex.join('')]
  const patterns = [
    new RegExp(alternatives(exact), 'g'),
    // The letters of a percent-encoded or hexadecimal key come in both cases.
    new RegExp(alternatives(anyCase), 'gi'),
  ]
  return (text) => patterns.reduce((masked, pattern) => masked.replace(pattern, HIDDEN), text)
}

/** JSON text with the secret hidden in its strings, however these are escaped. Null when it is no JSON. */
export function maskJson(text: string, mask: Mask): string | null {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return null
  }
  // The JSON is written anew only where it must be: long numbers would lose digits.
  const plain = JSON.stringify(value)
  const hasHiddenText = /\\[u/]/.test(text) || mask(plain) !== plain
  return hasHiddenText ? JSON.stringify(maskDeep(value, mask)) : mask(text)
}

/** Text that may hold pieces of JSON: the secret is found there too when its letters are escaped. */
export function maskLoosely(text: string, mask: Mask): string {
  const plain = text.replaceAll(/\\u00([2-7][0-9a-f])/gi, (_, code: string) => String.fromCharCode(parseInt(code, 16)))
  const masked = mask(plain)
  return masked === plain ? mask(text) : masked
}

/** A value with the secret hidden in every string and every key. */
export function maskDeep(value: unknown, mask: Mask): unknown {
  if (typeof value === 'string') return mask(value)
  if (Array.isArray(value)) return value.map((item) => maskDeep(item, mask))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [mask(key), maskDeep(item, mask)]))
}

const alternatives = (forms: readonly string[]): string =>
  [...new Set(forms)]
    .sort((a, b) => b.length - a.length)
    .map((form) => form.replaceAll(/[.*+?^${}()|[\]\\/-]/g, String.raw`\$&`))
    .join('|')

const htmlEscaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')

/** Base64 of any text that holds the secret: what stands before it shifts its letters by 0, 1 or 2 bytes. */
function base64Forms(secret: string): string[] {
  const forms = [0, 1, 2].map((shift) => {
    const whole = btoa('\0'.repeat(shift) + secret).replaceAll('=', '')
    const first = Math.ceil((shift * 8) / 6)
    const last = Math.floor(((shift + secret.length) * 8) / 6)
    return whole.slice(first, last)
  })
  return [...forms, ...forms.map((form) => form.replaceAll('+', '-').replaceAll('/', '_'))]
}
