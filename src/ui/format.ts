/** Numbers and text as the page writes them. */
import { visibleText as shownText } from '../base/visibleText'

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
/** Longer than any sentence of ours, shorter than what takes a page down. */
const SHOWN = 2000
const NAME_SHOWN = 120

/** Text from files, models and tools with hidden characters made visible, and no longer than anybody reads. */
export const visibleText = (text: string): string => shownText(text, SHOWN)
/** The same for a name: in a title, a list to choose from, a label of a control. */
export const nameText = (name: string): string => shownText(name, NAME_SHOWN)
