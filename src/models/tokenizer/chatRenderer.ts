/** A checkpoint's chat template with the variables that transformers gives it. */
import { z } from 'zod'
import type { JsonObject } from '../weights/byteSource'
import { createChatTemplate, type ChatTemplate, type ChatTemplateInput } from './chatTemplate'

type ChatRenderer = (input: Pick<ChatTemplateInput, 'messages' | 'tools' | 'addGenerationPrompt'>) => string

/** The day for templates that cannot do without one: prompts must not change from day to day. */
const DAY = new Date(Date.UTC(2026, 0, 1))

const token = z.union([z.string(), z.object({ content: z.string() }).transform(({ content }) => content)])

/**
 * null without a template. One that is no valid Jinja says so when it is first rendered: a model can be trained without it.
 * @param clock milliseconds of a clock that is never set back.
 */
export function chatRenderer(source: string | null, tokenizerConfig: JsonObject, clock: () => number): ChatRenderer | null {
  if (source === null) return null
  let template: ChatTemplate | null = null
  const variables = Object.fromEntries(
    Object.entries(tokenizerConfig).flatMap(([name, value]) => {
      const read = name.endsWith('_token') ? token.safeParse(value) : null
      return read?.success === true ? [[name, read.data]] : []
    }),
  )
  const needsDay = source.includes('strftime_now') && !/strftime_now\s+is\s+(?:not\s+)?defined/.test(source)
  return (input) => {
    template ??= createChatTemplate(source, clock)
    return template.render({ ...input, variables, ...(needsDay ? { now: DAY } : {}) })
  }
}
