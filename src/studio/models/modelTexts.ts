/** Configurations, tokenizers and chat templates of models, each read once. */
import { openTokenizer } from '../../models/checkpointTokenizer'
import { readModelConfig } from '../../models/modelConfigFile'
import { chatRenderer } from '../../models/tokenizer/chatRenderer'
import { createHfTokenizer } from '../../models/tokenizer/hfTokenizer'
import type { FolderSource } from '../../models/weights/byteSource'
import type { Reply } from '../../worker/protocol'
import { accept, attempt, refuse } from '../failure'
import type { ModelText } from './loadedModel'

export interface ModelTexts {
  of(id: string): Promise<Reply<ModelText>>
  forget(id: string): void
}

interface TextParts {
  readonly clock: () => number
  readonly folder: (id: string) => Promise<FolderSource>
  readonly title: (id: string) => Promise<string>
  /** The sentence that says why there is no such model. */
  readonly missing: (id: string) => string
}

export function createModelTexts(parts: TextParts): ModelTexts {
  const texts = new Map<string, Promise<Reply<ModelText>>>()
  const read = (id: string): Promise<Reply<ModelText>> =>
    attempt('model', async () => {
      const folder = await parts.folder(id)
      if (!(await folder.open('config.json'))) return refuse('unknown-model', parts.missing(id))
      const { config } = await readModelConfig(folder)
      const { tokenizerJson, tokenizerConfig, chatTemplate } = await openTokenizer(folder, config.vocab_size)
      const tokenizer = createHfTokenizer(tokenizerJson, tokenizerConfig)
      const renderChat = chatRenderer(chatTemplate, tokenizerConfig, parts.clock)
      return accept({ id, title: await parts.title(id), config, tokenizer, chatTemplate, renderChat })
    })
  return {
    of(id) {
      const known = texts.get(id)
      if (known) return known
      const made = read(id)
      texts.set(id, made)
      void made.then((reply) => {
        if (!reply.ok) texts.delete(id)
      })
      return made
    },
    forget: (id) => {
      texts.delete(id)
    },
  }
}
