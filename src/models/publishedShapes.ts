/**
 * Shapes of checkpoints people train, as their config.json on the Hugging Face Hub gives them: what a plan needs to know of a model.
 * ToolLLaMA-2-7b-v2 has Llama 2 7B's. The scripts of test/golden read the same file.
 */
import { parseModelConfig, type ModelConfig } from './architectures/config'
import files from './publishedShapes.json'

export type PublishedName = keyof typeof files
export const PUBLISHED_NAMES = Object.keys(files) as PublishedName[]

export const publishedConfig = (name: PublishedName): ModelConfig => parseModelConfig(files[name], name)
