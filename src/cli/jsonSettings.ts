/** Settings that are typed as JSON. */
import { z } from 'zod'
import { UsageError } from './command'

/** Throws UsageError, with the name of the flag, for text that is no JSON object. */
export function settingsIn(flag: string, text: string): Record<string, unknown> {
  try {
    const read = z.record(z.string(), z.unknown()).safeParse(JSON.parse(text))
    if (read.success) return read.data
  } catch {
    // The sentence below is about both.
  }
  throw new UsageError(`${flag}: expected a JSON object, found ${text}`)
}
