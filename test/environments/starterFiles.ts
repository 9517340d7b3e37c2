/** The committed starter files, as the tests read them. */
import { readFileSync } from 'node:fs'
import { Template } from '@huggingface/jinja'
import { Tokenizer } from '@huggingface/tokenizers'
import { z } from 'zod'
import type { TextCodec } from '../../src/base/textCodec'

export function starterJson(name: string): Record<string, unknown> {
  return z.record(z.string(), z.unknown()).parse(JSON.parse(readFileSync(new URL(`../../public/starter/${name}`, import.meta.url), 'utf8')))
}

export const tokenizerJson = starterJson('tokenizer.json')
export const vocabulary = z.object({ model: z.object({ vocab: z.record(z.string(), z.number()) }) }).parse(tokenizerJson).model.vocab
const tokenizer = new Tokenizer(tokenizerJson, starterJson('tokenizer_config.json'))

const template = new Template(z.object({ chat_template: z.string() }).parse(starterJson('tokenizer_config.json')).chat_template)

export function renderTemplate(messages: readonly { role: string; content: string }[], generate = false): string {
  return template.render({ messages: messages.map((message) => ({ ...message })), add_generation_prompt: generate })
}

export const codec: TextCodec = {
  encode: (text) => tokenizer.encode(text, { add_special_tokens: false }).ids,
  decode: (ids) => tokenizer.decode([...ids], { skip_special_tokens: false, clean_up_tokenization_spaces: false }),
  specialId(token) {
    const id = tokenizer.token_to_id(token)
    if (id === undefined) throw new Error(`no special token ${token}`)
    return id
  },
}
