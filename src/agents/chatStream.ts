/** A completion that comes in pieces as server-sent events, joined to the body that the server would have sent at once. */
import { createParser } from 'eventsource-parser'
import { z } from 'zod'

const text = z.string().nullish().catch(null)
const delta = z.object({
  content: text,
  reasoning_content: text,
  reasoning: text,
  refusal: text,
  tool_calls: z
    .array(
      z.object({
        index: z.int().nonnegative().catch(0),
        id: text,
        function: z.object({ name: text, arguments: z.unknown().optional() }).nullish().catch(null),
      }),
    )
    .nullish()
    .catch(null),
})
const chunk = z.object({
  choices: z.array(
    z.object({ delta: delta.nullish(), finish_reason: text, logprobs: z.unknown().optional(), token_ids: z.unknown().optional() }),
  ),
  usage: z.unknown().optional(),
  prompt_token_ids: z.unknown().optional(),
})
type Chunk = z.output<typeof chunk>
type Delta = z.output<typeof delta>

interface CallParts {
  id: string | null
  name: string
  /** Pieces of JSON text, or the whole value where a server sends it at once. */
  arguments: unknown
}

export const isEventStream = ({ headers }: Response): boolean => /^text\/event-stream\b/i.test(headers.get('content-type') ?? '')

/**
 * Reads the stream to its end. A server that fails in the middle says so in an event, which is then the body.
 * @param onText receives the answer's text as it comes.
 */
export async function readCompletionStream(response: Response, onText: (piece: string) => void): Promise<unknown> {
  const joined = createJoin(onText)
  let failure: unknown
  const parser = createParser({
    onEvent: ({ data }) => {
      if (data.trim() === '[DONE]' || failure !== undefined) return
      const value = parsed(data)
      const read = chunk.safeParse(value)
      if (read.success) joined.add(read.data)
      else failure = value ?? { error: { message: `an event that is no JSON: ${data.slice(0, 200)}` } }
    },
  })
  const decoder = new TextDecoder()
  const reader = response.body?.getReader()
  for (;;) {
    const piece = await reader?.read()
    if (!piece || piece.done) break
    parser.feed(decoder.decode(piece.value, { stream: true }))
  }
  // A last event without the empty line after it is complete when the connection ends.
  parser.feed('\n\n')
  return failure ?? joined.body()
}

function parsed(data: string): unknown {
  try {
    return JSON.parse(data)
  } catch {
    return undefined
  }
}

function createJoin(onText: (piece: string) => void) {
  const said = { content: '', reasoning_content: '', refusal: '' }
  const calls = new Map<number, CallParts>()
  const [logprobs, tokenIds]: [unknown[], unknown[]] = [[], []]
  let [finishReason, usage, promptIds]: [string | null, unknown, unknown] = [null, null, null]
  let isAny = false
  const addDelta = ({ content, reasoning_content, reasoning, refusal, tool_calls }: Delta): void => {
    if (content) onText(content)
    said.content += content ?? ''
    said.reasoning_content += reasoning_content ?? reasoning ?? ''
    said.refusal += refusal ?? ''
    for (const call of tool_calls ?? []) {
      const known = calls.get(call.index) ?? { id: null, name: '', arguments: '' }
      calls.set(call.index, known)
      known.id ??= call.id ?? null
      known.name += call.function?.name ?? ''
      const more = call.function?.arguments
      if (typeof more === 'string') known.arguments = `${typeof known.arguments === 'string' ? known.arguments : ''}${more}`
      else if (more !== undefined && more !== null) known.arguments = more
    }
  }
  return {
    add({ choices, ...whole }: Chunk): void {
      isAny = true
      usage = whole.usage ?? usage
      promptIds = whole.prompt_token_ids ?? promptIds
      const [choice] = choices
      if (!choice) return
      finishReason = choice.finish_reason ?? finishReason
      if (choice.delta) addDelta(choice.delta)
      logprobs.push(...listIn(choice.logprobs))
      if (Array.isArray(choice.token_ids)) tokenIds.push(...(choice.token_ids as unknown[]))
    },
    body(): unknown {
      if (!isAny) return undefined
      const toolCalls = [...calls.entries()].toSorted(([a], [b]) => a - b)
      return {
        choices: [
          {
            message: {
              ...said,
              tool_calls: toolCalls.map(([, { id, name, arguments: given }]) => ({ id, function: { name, arguments: given } })),
            },
            finish_reason: finishReason,
            ...(tokenIds.length === 0 ? {} : { token_ids: tokenIds }),
            ...(logprobs.length === 0 ? {} : { logprobs: { content: logprobs } }),
          },
        ],
        usage,
        prompt_token_ids: promptIds,
      }
    },
  }
}

const content = z.object({ content: z.array(z.unknown()) })
const listIn = (logprobs: unknown): readonly unknown[] => content.safeParse(logprobs).data?.content ?? []
