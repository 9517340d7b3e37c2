/** Names that tell apart what has the same name: with the time it was made, and numbered where that is the same too. */
import { formatWhen } from './format'

interface Named {
  readonly name: string
  /** ISO. */
  readonly when: string
}

export function distinctNames(items: readonly Named[]): readonly string[] {
  const repeated = (names: readonly string[]): ReadonlySet<string> => new Set(names.filter((name, at) => names.indexOf(name) !== at))
  const ofSome = repeated(items.map(({ name }) => name))
  const timed = items.map(({ name, when }) => (ofSome.has(name) ? `${name} · ${formatWhen(when)}` : name))
  const stillSame = repeated(timed)
  return timed.map((name, at) => (stillSame.has(name) ? `${name} (${timed.slice(0, at + 1).filter((one) => one === name).length})` : name))
}
