/** The catalogue of architectures, by `model_type` of config.json. */
import type { Architecture } from './architecture'
import { qwen2 } from './qwen2'

export const architectures: Readonly<Record<string, Architecture>> = { qwen2 }
