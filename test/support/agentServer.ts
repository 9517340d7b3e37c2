/** Chat servers whose model solves the starter world's queries, each in the dialect of a real server, with its quirks. */
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { z } from 'zod'
import { benchmarks } from '../../src/evaluation/benchmarks'
import type { ToolCall } from '../../src/records/trajectory'

const message = z.object({ role: z.string(), content: z.string().nullish(), tool_call_id: z.string().nullish() })
const body = z.looseObject({
  messages: z.array(message),
  tools: z.array(z.unknown()).optional(),
  stream: z.boolean().optional(),
  max_tokens: z.number().optional(),
  return_token_ids: z.boolean().optional(),
})
export type AgentRequest = z.output<typeof body>

export interface AgentMove {
  /** null: the turn is the answer. */
  readonly call: ToolCall | null
  readonly answer: string
}

export interface DialectReply {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  /** JSON, or the lines of an event stream. */
  readonly body: unknown
}
/** @param time how often this very conversation was asked about, this time included. */
export type AgentDialect = (move: AgentMove, request: AgentRequest, time: number) => DialectReply

const benchmark = benchmarks.starter.create({})
const queries = new Map(benchmark.splits.flatMap(({ name }) => benchmark.queries(name)).map((query) => [query.text, query]))

function moveFor({ messages }: AgentRequest): AgentMove {
  const query = queries.get(messages.find(({ role }) => role === 'user')?.content ?? '')
  if (!query || !benchmark.expert) throw new Error('the conversation does not begin with a query of the starter world')
  const replies = messages.filter(({ role }) => role === 'tool').map(({ content }) => content ?? '')
  const call = benchmark.expert.script(query)(replies)
  return call.name === 'finish' ? { call: null, answer: String(call.arguments.answer) } : { call, answer: '' }
}

export interface AgentServer {
  readonly url: string
  count(): number
  /** The most requests that were open together. */
  together(): number
  close(): Promise<void>
}

export async function startAgentServer(dialect: AgentDialect): Promise<AgentServer> {
  const times = new Map<string, number>()
  let [count, open, most] = [0, 0, 0]
  const answer = (response: ServerResponse, text: string): void => {
    const asked = body.parse(JSON.parse(text))
    const key = JSON.stringify(asked.messages)
    const time = (times.get(key) ?? 0) + 1
    times.set(key, time)
    const { status = 200, headers = {}, body: said } = dialect(moveFor(asked), asked, time)
    const isStream = typeof said === 'string'
    response.writeHead(status, { 'content-type': isStream ? 'text/event-stream' : 'application/json', ...headers })
    response.end(isStream ? said : JSON.stringify(said))
    open -= 1
  }
  const server = createServer((request, response) => {
    count += 1
    open += 1
    most = Math.max(most, open)
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () =>
      setTimeout(() => {
        answer(response, Buffer.concat(chunks).toString())
      }, 2),
    )
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    count: () => count,
    together: () => most,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections()
        server.close(() => {
          resolve()
        })
      }),
  }
}

const usage = { prompt_tokens: 100, completion_tokens: 10 }

const completion = (fields: object, more: object = {}): DialectReply => ({
  body: {
    id: 'x',
    object: 'chat.completion',
    choices: [{ index: 0, message: { role: 'assistant', ...fields }, finish_reason: 'stop', ...more }],
    usage,
  },
})

/** OpenAI's own form. */
export const openaiDialect: AgentDialect = ({ call, answer }) =>
  call
    ? completion({
        content: null,
        tool_calls: [{ id: 'c1', type: 'function', function: { name: call.name, arguments: JSON.stringify(call.arguments) } }],
      })
    : completion({ content: answer })

/** One id for each letter, so that the ids of a conversation are those of its text. */
const idsOf = (text: string): number[] => Array.from(text, (letter) => letter.codePointAt(0) ?? 0)

/** What the server's template makes of a conversation. */
const rendered = ({ messages }: AgentRequest): string =>
  messages.map(({ role, content }) => (role === 'assistant' ? '' : `<${role}>${content ?? ''}`)).join('')

/** vLLM with --enable-auto-tool-choice: flat errors with `detail`, ids of tokens as strings, reasoning apart, a broken engine under status 400. */
export function vllmDialect(): AgentDialect {
  /** What the model wrote in each conversation, since its own words are part of the next prompt. */
  const written = new Map<string, readonly number[]>()
  return ({ call, answer }, request, time) => {
    if (time === 1 && request.messages.length === 3)
      return {
        status: 400,
        headers: { 'retry-after': '0' },
        body: { object: 'error', message: 'Engine loop died', type: 'InternalServerError', param: null, code: 500 },
      }
    if (time === 1 && request.messages.length === 5)
      return { status: 503, headers: { 'retry-after': '0' }, body: { detail: 'The engine restarts.' } }
    const text = call ? `<tool_call>${JSON.stringify({ name: call.name, arguments: call.arguments })}</tool_call>` : answer
    const before = request.messages.slice(0, -2)
    const added = request.messages.slice(before.some(({ role }) => role === 'assistant') || request.messages.length > 2 ? -1 : 0)
    const past = written.get(JSON.stringify(request.messages.slice(0, request.messages.length - 2))) ?? []
    const promptIds = past.length === 0 ? idsOf(rendered(request)) : [...past, ...idsOf(rendered({ ...request, messages: added }))]
    const ids = idsOf(text)
    written.set(JSON.stringify(request.messages), [...promptIds, ...ids])
    const tokens = request.return_token_ids
      ? { token_ids: ids.map(String), logprobs: { content: ids.map((id) => ({ token: `token_id:${id}`, logprob: -0.25 })) } }
      : {}
    const reply = call
      ? completion(
          {
            content: null,
            reasoning_content: 'The next call is due.',
            tool_calls: [
              { id: `chatcmpl-tool-${time}`, type: 'function', function: { name: call.name, arguments: JSON.stringify(call.arguments) } },
            ],
          },
          tokens,
        )
      : completion({ content: answer, reasoning_content: null, tool_calls: [] }, tokens)
    return {
      ...reply,
      body: { ...(reply.body as object), ...(request.return_token_ids ? { prompt_token_ids: promptIds.map(String) } : {}) },
    }
  }
}

/** llama.cpp and proxies before it: arguments as an object, content as a list of parts, errors under status 200, and max_tokens refused. */
export const llamaDialect: AgentDialect = ({ call, answer }, request, time) => {
  if (request.max_tokens !== undefined)
    return { body: { error: { code: 400, message: 'max_tokens: unknown field', type: 'invalid_request_error' } } }
  if (time <= 2 && request.messages.length === 3)
    return { headers: { 'retry-after': '0' }, body: { error: { code: 503, message: 'Loading model', type: 'unavailable_error' } } }
  return call
    ? completion({ content: [], tool_calls: [{ type: 'function', function: { name: call.name, arguments: call.arguments } }] })
    : completion({
        content: [
          { type: 'text', text: answer.slice(0, 3) },
          { type: 'text', text: answer.slice(3) },
        ],
      })
}

/** A stream in small pieces, with the usage in an event of its own and no empty line at the end. */
export const streamDialect: AgentDialect = ({ call, answer }, request) => {
  if (!request.stream) return { status: 400, body: { error: { message: 'This server only streams.' } } }
  const event = (delta: object, finish_reason: string | null = null): string =>
    `data: ${JSON.stringify({ choices: [{ index: 0, delta, finish_reason }] })}\n\n`
  const text = JSON.stringify(call?.arguments ?? {})
  const said = call
    ? event({ tool_calls: [{ index: 0, id: 'c1', function: { name: call.name, arguments: '' } }] }) +
      Array.from(text, (piece) => event({ tool_calls: [{ index: 0, function: { arguments: piece } }] })).join('')
    : Array.from(answer, (piece) => event({ content: piece })).join('')
  return {
    body: `: ping\n\n${event({ role: 'assistant', content: '' })}${said}${event({}, 'stop')}data: ${JSON.stringify({ choices: [], usage })}\n\ndata: [DONE]`,
  }
}
