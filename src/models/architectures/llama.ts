/** Llama 2 and 3.x (Touvron 2023, Dubey 2024): no biases unless config.json asks for them; linear or llama3 RoPE scaling. */
import type { Architecture } from './architecture'
import { decoder, decoderParameters } from './decoder'

export const llama: Architecture = { name: 'llama', parameters: decoderParameters, forward: decoder }
