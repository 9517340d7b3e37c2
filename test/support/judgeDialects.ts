/** Servers a judge may run on, each with its own way of saying the same: a stand-in over HTTP that answers in one of these dialects. */
import { createServer, type IncomingMessage } from 'node:http'

export interface DialectAnswer {
  readonly status?: number
  /** JSON unless it is text. */
  readonly body: unknown
  readonly headers?: Readonly<Record<string, string>>
}
export interface DialectRequest {
  readonly url: string
  readonly headers: IncomingMessage['headers']
  readonly fields: Readonly<Record<string, unknown>>
  /** Times that this very question was asked, this one included. */
  readonly time: number
  readonly marks: Marks
}
export type Dialect = (request: DialectRequest) => DialectAnswer

interface Marks {
  readonly succeed_tool_calling: readonly number[]
  readonly contribution_to_final_answer: readonly number[]
  readonly final_answer_status: string
}

const TOOL = 'evaluate_process_reward'
const message = (fields: object, finish_reason: string | null = 'tool_calls'): DialectAnswer => ({
  body: {
    id: 'x',
    object: 'chat.completion',
    choices: [{ index: 0, message: { role: 'assistant', ...fields }, finish_reason }],
    usage: null,
  },
})
const call = (marks: unknown, name = TOOL): object => ({
  id: 'c1',
  type: 'function',
  function: { name, arguments: typeof marks === 'string' ? marks : JSON.stringify(marks) },
})
const called = (marks: unknown, fields: object = {}): DialectAnswer => message({ content: null, tool_calls: [call(marks)], ...fields })
const soon = { 'retry-after': '0' }
/** The first asking of every question fails, the second succeeds. */
const failingFirst =
  (failure: DialectAnswer): Dialect =>
  ({ time, marks }) =>
    time === 1 ? failure : called(marks)

/** Every judgement asked for is given. */
export const answeringDialects: Readonly<Record<string, Dialect>> = {
  'OpenAI’s newer models: max_tokens refused': ({ fields, marks }) =>
    'max_tokens' in fields
      ? {
          status: 400,
          body: {
            error: {
              message: "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
              type: 'invalid_request_error',
              param: 'max_tokens',
              code: 'unsupported_parameter',
            },
          },
        }
      : called(marks),
  'a proxy: max_tokens refused in a body under status 200': ({ fields, marks }) =>
    'max_tokens' in fields ? { body: { error: { message: 'max_tokens: unknown field', code: 400 } } } : called(marks),
  'Mistral: fields it does not know are refused, content in parts': ({ fields, marks }) =>
    'seed' in fields
      ? {
          status: 422,
          body: { detail: [{ type: 'extra_forbidden', loc: ['body', 'seed'], msg: 'Extra inputs are not permitted', input: 0 }] },
        }
      : called(marks, {
          content: [
            { type: 'thinking', thinking: [{ type: 'text', text: 'Hm.' }] },
            { type: 'text', text: 'I mark.' },
          ],
        }),
  'FastAPI before a model: both fields refused, one after the other': ({ fields, marks }) => {
    if ('max_tokens' in fields)
      return { status: 422, body: { detail: [{ loc: ['body', 'max_tokens'], msg: 'extra fields not permitted' }] } }
    if ('seed' in fields) return { status: 400, body: { detail: 'Unrecognized request argument supplied: seed' } }
    return called(marks)
  },
  'a model that thinks for 3,000 tokens first': ({ fields, marks }) =>
    Number(fields.max_tokens) < 3000
      ? message({ content: '', reasoning_content: 'Let me see …' }, 'length')
      : called(marks, { reasoning_content: 'Let me see …', content: '' }),
  'OpenRouter: an error inside the choice': failingFirst({
    body: { choices: [{ error: { code: 502, message: 'Provider returned error' }, message: { content: '' }, finish_reason: 'error' }] },
    headers: soon,
  }),
  'OpenRouter: a limit under status 200': failingFirst({
    body: { error: { code: 429, message: 'Rate limit exceeded: free-models-per-min' }, user_id: 'u' },
    headers: soon,
  }),
  'a stop with the reason error and no word': failingFirst({ ...message({ content: '' }, 'error'), headers: soon }),
  'vLLM before 0.10.1: flat, a broken engine under status 400': failingFirst({
    status: 400,
    body: { object: 'error', message: 'Engine loop died', type: 'InternalServerError', param: null, code: 500 },
    headers: soon,
  }),
  'Anthropic behind a proxy: overloaded under status 200': failingFirst({
    body: { type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } },
    headers: soon,
  }),
  'Google: a list of one error': failingFirst({
    body: [{ error: { code: 503, message: 'The model is overloaded.', status: 'UNAVAILABLE' } }],
    headers: soon,
  }),
  'a limit told in words alone': failingFirst({ body: { error: 'Too many requests, please slow down' }, headers: soon }),
  'arguments encoded twice': ({ marks }) => called(JSON.stringify(JSON.stringify(marks))),
  'lists in the arguments encoded once more': ({ marks }) =>
    called({
      ...marks,
      succeed_tool_calling: JSON.stringify(marks.succeed_tool_calling),
      contribution_to_final_answer: JSON.stringify(marks.contribution_to_final_answer),
    }),
  'arguments as an object': ({ marks }) => message({ content: null, tool_calls: [{ function: { name: TOOL, arguments: marks } }] }),
  'marks as strings': ({ marks }) =>
    called({
      ...marks,
      succeed_tool_calling: marks.succeed_tool_calling.map(String),
      contribution_to_final_answer: marks.contribution_to_final_answer.map((mark) => `${mark}.0`),
    }),
  'success as booleans': ({ marks }) =>
    called({ ...marks, succeed_tool_calling: marks.succeed_tool_calling.map(Boolean), final_answer_status: 'solved' }),
  'success as words': ({ marks }) =>
    called({ ...marks, succeed_tool_calling: marks.succeed_tool_calling.map((mark) => (mark ? 'True' : 'False')) }),
  'another call first': ({ marks }) => message({ content: '', tool_calls: [call({ thought: 'first' }, 'think'), call(marks)] }),
  'a broken call before the right one': ({ marks }) => message({ content: '', tool_calls: [call('{}'), { type: 'custom' }, call(marks)] }),
  'the legacy function_call': ({ marks }) =>
    message({ content: null, tool_calls: null, function_call: { name: TOOL, arguments: JSON.stringify(marks) } }, 'function_call'),
  'complete marks at the very end of the limit': ({ marks }) => message({ content: null, tool_calls: [call(marks)] }, 'length'),
}

/** Nothing is judged; the pattern is the server's own sentence or the cause, told to the person. */
export const refusingDialects: Readonly<Record<string, readonly [Dialect, RegExp]>> = {
  'FastAPI’s detail': [() => ({ status: 400, body: { detail: 'The adapter is still loading.' } }), /The adapter is still loading\./],
  'FastAPI’s list of details': [
    () => ({ status: 422, body: { detail: [{ loc: ['body', 'tools'], msg: 'tools are not enabled' }] } }),
    /body\.tools: tools are not enabled/,
  ],
  'vLLM’s flat error': [
    () => ({
      status: 400,
      body: { object: 'error', message: '"auto" tool choice requires --enable-auto-tool-choice', type: 'BadRequestError', code: 400 },
    }),
    /requires --enable-auto-tool-choice/,
  ],
  'plain text': [
    () => ({ status: 400, body: 'model judge is not loaded\n', headers: { 'content-type': 'text/plain' } }),
    /"model judge is not loaded"/,
  ],
  'an error page': [
    () => ({
      status: 413,
      body: '<html><head><title>413 Payload Too Large</title></head></html>',
      headers: { 'content-type': 'text/html' },
    }),
    /413 Payload Too Large/,
  ],
  'an error under status 200': [() => ({ body: { error: { message: 'This prompt was blocked.' } } }), /This prompt was blocked\./],
  'a refused key under status 200': [
    () => ({ body: { error: { message: 'No such key.', code: 401 } } }),
    /refused the key \(401 in the body of a 200\).*No such key/,
  ],
  'thinking past the limit': [
    () => message({ content: null, reasoning_content: 'Let me see …' }, 'length'),
    /used up its 4096 tokens .*\(finish_reason length\).*--max-tokens/,
  ],
  words: [() => message({ content: [{ type: 'text', text: 'It went well.' }] }, 'stop'), /answered in words.*"It went well\."/],
}

export interface DialectServer {
  readonly url: string
  /** Requests so far. */
  count(): number
  close(): Promise<void>
}

/** Holds its answers until `atOnce` requests wait or a moment has passed, so that requests under way overlap. */
export async function startDialectServer(dialect: Dialect, atOnce = 1): Promise<DialectServer> {
  const times = new Map<string, number>()
  let count = 0
  let waiting: (() => void)[] = []
  const together = (): Promise<void> =>
    new Promise((resolve) => {
      const release = (): void => {
        for (const go of waiting.splice(0)) go()
      }
      waiting = [...waiting, resolve]
      if (waiting.length >= atOnce) release()
      else setTimeout(release, 30)
    })
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      count += 1
      void together().then(() => {
        const fields = JSON.parse(Buffer.concat(chunks).toString()) as Record<string, unknown>
        const question = JSON.stringify([fields.messages, fields.seed])
        const time = (times.get(question) ?? 0) + 1
        times.set(question, time)
        const steps = Number(/exactly (\d+) numbers/.exec(question)?.[1])
        const marks: Marks = {
          succeed_tool_calling: Array.from({ length: steps }, (_, at) => at % 2),
          contribution_to_final_answer: Array.from({ length: steps }, (_, at) => at % 6),
          final_answer_status: 'Solved',
        }
        const { status = 200, body, headers = {} } = dialect({ url: request.url ?? '', headers: request.headers, fields, time, marks })
        response
          .writeHead(status, { 'content-type': 'application/json', ...headers })
          .end(typeof body === 'string' ? body : JSON.stringify(body))
      })
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the stand-in has no port')
  return {
    url: `http://127.0.0.1:${address.port}`,
    count: () => count,
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
