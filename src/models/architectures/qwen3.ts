/** Qwen3 (Yang 2025): queries and keys are RMS-normalised by head; head_dim stands on its own. */
import type { Architecture } from './architecture'
import { decoder, decoderParameters } from './decoder'

export const qwen3: Architecture = { name: 'qwen3', parameters: decoderParameters, forward: decoder }
