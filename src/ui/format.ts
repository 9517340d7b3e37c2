/** Numbers as the page writes them. */
const MINUS = '−'
const signed = (text: string): string => text.replace('-', MINUS)

export function formatNumber(value: number, digits = 3): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'not a number' : value > 0 ? '∞' : `${MINUS}∞`
  if (value === 0) return '0'
  const size = Math.abs(value)
  if (size >= 1e6 || size < 1e-4) return signed(value.toExponential(Math.max(0, digits - 1)))
  if (Number.isInteger(value)) return signed(value.toLocaleString('en'))
  return signed(Number(value.toPrecision(digits)).toString())
}
export const formatCount = (value: number): string => Math.round(value).toLocaleString('en')
/** `1 step`, `2 steps`, `1,200 steps`. @param many the plural, where it is not the noun with an s. */
export const counted = (count: number, one: string, many = `${one}s`): string => `${formatCount(count)} ${count === 1 ? one : many}`
/** 0.354 → `35%`. */
export const formatShare = (share: number, digits = 0): string => `${signed((share * 100).toFixed(digits))}%`
/** Percentage points, signed: 0.146 → `+15`. */
export function formatPoints(difference: number): string {
  const points = Math.round(difference * 100)
  return points > 0 ? `+${points}` : signed(String(points))
}
export function formatBytes(bytes: number): string {
  const units = ['B', 'KB', 'MB', 'GB', 'TB']
  let value = bytes
  let unit = 0
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000
    unit += 1
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[unit] ?? ''}`
}
export function formatSeconds(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds))
  if (whole < 60) return `${whole} s`
  const minutes = Math.floor(whole / 60)
  if (minutes < 60) return `${minutes} min ${String(whole % 60).padStart(2, '0')} s`
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, '0')} min`
}
/** `14:05` today, else `3 Aug 14:05`, with the year when it is another. */
export function formatWhen(iso: string, now: Date = new Date()): string {
  const when = new Date(iso)
  if (Number.isNaN(when.getTime())) return iso
  const clock = when.toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit' })
  if (when.toDateString() === now.toDateString()) return clock
  const sameYear = when.getFullYear() === now.getFullYear()
  return `${when.toLocaleDateString('en-GB', { day: 'numeric', month: 'short', ...(sameYear ? {} : { year: 'numeric' as const }) })} ${clock}`
}
/** Text from files, models and tools with control, zero-width and direction-changing characters made visible. */
export function visibleText(text: string): string {
  return text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g, (character) => {
    const code = character.codePointAt(0) ?? 0
    return code < 0x20 ? String.fromCodePoint(0x2400 + code) : `⟨U+${code.toString(16).toUpperCase().padStart(4, '0')}⟩`
  })
}
