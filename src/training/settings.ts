/** Parses an algorithm's settings, with one clear sentence for what is wrong, and proposes smaller settings that need less memory. */
import type { z } from 'zod'

export type Settings = Readonly<Record<string, unknown>>

/** A setting cannot be used. The message is one sentence that names it. */
export class SettingsError extends Error {}

/** @param title of the algorithm, for the sentence on a setting it does not have. */
export function parsedSettings<Schema extends z.ZodObject>(title: string, schema: Schema, given: Settings): z.output<Schema> {
  const unknown = Object.keys(given).find((key) => !(key in schema.shape))
  if (unknown !== undefined) throw new SettingsError(`${title} has no setting ${unknown}.`)
  const parsed = schema.safeParse(given)
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  throw new SettingsError(`${issue?.path.join('.') ?? 'The settings'}: ${plainSentence(issue?.message ?? 'cannot be used')}.`)
}

/** `Invalid input: expected number, received NaN` → `expected number, found NaN`. */
const plainSentence = (message: string): string => message.replace(/^Invalid (input|option): /, '').replace(', received ', ', found ')

/** One change of settings that saves memory: `lora_r 8 → 4`. */
export interface SettingsChange {
  readonly change: string
  readonly settings: Settings
}

/** @param halvable names of settings that may be halved, with the least they may become. */
export function smallerSettings(settings: Settings, halvable: Readonly<Record<string, number>>): SettingsChange[] {
  const checkpointing =
    settings.gradient_checkpointing === false
      ? [{ change: 'gradient_checkpointing off → on', settings: { ...settings, gradient_checkpointing: true } }]
      : []
  const halved = Object.entries(halvable).flatMap(([setting, least]) => {
    const value = settings[setting]
    if (typeof value !== 'number') return []
    const half = Math.max(least, Math.floor(value / 2))
    return half < value ? [{ change: `${setting} ${value} → ${half}`, settings: { ...settings, [setting]: half } }] : []
  })
  return [...checkpointing, ...halved]
}
