/** Qwen2 and Qwen2.5 (Yang 2024): biases on q, k and v. */
import type { Architecture } from './architecture'
import { decoder, decoderParameters } from './decoder'

export const qwen2: Architecture = { name: 'qwen2', parameters: decoderParameters, forward: decoder }
