/** The catalogue of call formats. */
import type { CallFormatDefinition } from './callFormat'
import { compactFormat } from './compact'

export const callFormats = {
  compact: compactFormat,
} as const satisfies Record<string, CallFormatDefinition>
