/** The catalogue of architectures, by `model_type` of config.json. */
import type { Architecture } from './architecture'
import { llama } from './llama'
import { qwen2 } from './qwen2'
import { qwen3 } from './qwen3'

export const architectures: Readonly<Record<string, Architecture>> = { qwen2, qwen3, llama }
