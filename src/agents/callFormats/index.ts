/** The catalogue of call formats. */
import type { CallFormat } from './callFormat'
import { compact } from './compact'

export const callFormats = {
  compact,
} as const satisfies Record<string, CallFormat>
