/** The catalogue of call formats. */
import type { CallFormatDefinition } from './callFormat'
import { compactFormat } from './compact'
import { functionGemma } from './functionGemma'
import { hermes } from './hermes'
import { jsonCalls } from './jsonCalls'
import { llama } from './llama'
import { mistral } from './mistral'
import { pythonic } from './pythonic'
import { react, reactReleased } from './react'

export const callFormats = {
  compact: compactFormat,
  hermes,
  llama,
  mistral,
  pythonic,
  functiongemma: functionGemma,
  json: jsonCalls,
  react,
  'react-ref': reactReleased,
} as const satisfies Record<string, CallFormatDefinition>
