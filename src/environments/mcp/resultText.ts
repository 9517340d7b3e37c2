/** The result of a call, with its several parts, as the one text that a model reads. */
import { z } from 'zod'
import { bounded } from '../../base/visibleText'

/** About 25,000 tokens. A longer observation fills the context of most models. */
export const MAX_OBSERVATION_CHARS = 100_000

const contents = z.looseObject({
  uri: z.string().catch(''),
  mimeType: z.string().nullish().catch(null),
  text: z.string().nullish().catch(null),
  blob: z.string().nullish().catch(null),
})
const part = z.looseObject({
  type: z.string(),
  text: z.string().nullish(),
  data: z.string().nullish(),
  mimeType: z.string().nullish(),
  uri: z.string().nullish(),
  name: z.string().nullish(),
  description: z.string().nullish(),
  resource: contents.nullish(),
})
const result = z.looseObject({
  content: z.array(z.unknown()).nullish(),
  structuredContent: z.unknown().optional(),
  isError: z.boolean().nullish(),
  /** Servers of the protocol's first version. */
  toolResult: z.unknown().optional(),
})

export interface ReadResult {
  readonly text: string
  /** The tool itself says that it failed. */
  readonly isError: boolean
}

/** null when it is no result of a tool. */
export function readToolResult(given: unknown): ReadResult | null {
  const parsed = result.safeParse(given)
  if (!parsed.success) return null
  const { content, structuredContent, isError, toolResult } = parsed.data
  if (!content && structuredContent === undefined && toolResult === undefined) return null
  const texts = (content ?? []).map(partText)
  const structured = structuredContent ?? toolResult
  if (structured !== undefined && !texts.some((text) => isSame(text, structured))) texts.push(JSON.stringify(structured))
  return { text: observation(texts.join('\n')), isError: isError === true }
}

/** A text that is too long is cut with a sentence, so that the model knows that something is missing. */
export function observation(text: string): string {
  if (text === '') return '(The tool returned nothing.)'
  const { shown, more } = bounded(text, MAX_OBSERVATION_CHARS)
  if (more === 0) return text
  return `${shown}\n(The reply has ${text.length} characters. It was cut here: the last ${more} are not shown.)`
}

function partText(given: unknown): string {
  const parsed = part.safeParse(given)
  if (!parsed.success) return '(A part of the reply is not readable.)'
  const { type, text, data, mimeType, uri, name, description, resource } = parsed.data
  if (type === 'text') return text ?? ''
  if (type === 'resource' && resource) {
    if (typeof resource.text === 'string') return `${resource.uri}:\n${resource.text}`
    return `(The reply has a resource that is not text: ${resource.uri}${resource.mimeType ? `, ${resource.mimeType}` : ''}, ${bytesOf(resource.blob)}.)`
  }
  if (type === 'resource_link') return `(A resource: ${[name, uri, description, mimeType].filter(Boolean).join(', ')}.)`
  return `(The reply has a part that is not text: ${type}${mimeType ? `, ${mimeType}` : ''}, ${bytesOf(data)}.)`
}

/** Base64 has four characters for three bytes. */
const bytesOf = (base64: string | null | undefined): string => `${Math.floor(((base64 ?? '').replace(/=+$/, '').length * 3) / 4)} bytes`

/** Servers repeat the structured result as text. */
function isSame(text: string, structured: unknown): boolean {
  try {
    return JSON.stringify(JSON.parse(text)) === JSON.stringify(structured)
  } catch {
    return false
  }
}
