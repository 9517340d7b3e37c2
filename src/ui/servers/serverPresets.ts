/** Servers on which a model may run that judges, acts or plays a tool server, and what to tell a person when one of them refuses. */
/** The code of a test whose model answered without calling the tool. */
const NO_CALL = 'no-call'

export interface ServerPreset {
  readonly name: string
  readonly title: string
  readonly baseUrl: string
  readonly model: string
  readonly needsKey: boolean
  /** The server's own option that lets a page call it. */
  readonly corsHint: string
}

export const serverPresets: readonly ServerPreset[] = [
  {
    name: 'openai',
    title: 'OpenAI',
    baseUrl: 'https://api.openai.com/v1',
    model: 'gpt-4o-mini',
    needsKey: true,
    corsHint: 'Use a key restricted to this project and a spending limit.',
  },
  {
    name: 'vllm',
    title: 'vLLM',
    baseUrl: 'http://localhost:8000/v1',
    model: '',
    needsKey: false,
    corsHint: `Start vLLM with --allowed-origins '["*"]' (or this page's origin).`,
  },
  {
    name: 'llamacpp',
    title: 'llama.cpp',
    baseUrl: 'http://localhost:8080/v1',
    model: '',
    needsKey: false,
    corsHint: 'llama-server answers pages from any origin; check the port and that it is running.',
  },
  {
    name: 'ollama',
    title: 'Ollama',
    baseUrl: 'http://localhost:11434/v1',
    model: 'qwen2.5:7b-instruct',
    needsKey: false,
    corsHint: 'Set OLLAMA_ORIGINS to this page’s origin before `ollama serve`.',
  },
  {
    name: 'gateway',
    title: 'Hone’s gateway',
    baseUrl: '',
    model: '',
    needsKey: false,
    corsHint: 'Start Hone with npm start and OPENAI_API_KEY or OPENAI_BASE_URL set.',
  },
  {
    name: 'custom',
    title: 'Custom',
    baseUrl: '',
    model: '',
    needsKey: false,
    corsHint: 'The server must send Access-Control-Allow-Origin for this page.',
  },
]

export function hostOf(baseUrl: string): string | null {
  try {
    const url = new URL(baseUrl)
    return url.protocol === 'https:' || url.protocol === 'http:' ? url.host : null
  } catch {
    return null
  }
}

/** Plain http is sent only to this computer. */
export function serverAddressProblem(baseUrl: string): string | null {
  if (baseUrl.trim() === '') return 'Give the server’s address, for example http://localhost:8000/v1.'
  let url: URL
  try {
    url = new URL(baseUrl)
  } catch {
    return 'This is not an address. Expected something like http://localhost:8000/v1.'
  }
  // Azure names the version of its interface there.
  const hasOtherQuery = [...url.searchParams.keys()].some((name) => name !== 'api-version')
  if (url.username !== '' || url.password !== '' || hasOtherQuery) return 'Keep user names, keys and queries out of the address.'
  if (url.protocol === 'https:') return null
  if (url.protocol !== 'http:') return `Expected https:// or http://, found ${url.protocol}//`
  return ['localhost', '127.0.0.1'].includes(url.hostname) ? null : 'Plain http is allowed to localhost only. Use https, or Hone’s gateway.'
}

/** What a model behind a server is chosen for. */
export type ServerRole = 'judge' | 'agent' | 'simulator'

const FAILED: Readonly<Record<ServerRole, { readonly model: string; readonly answer: string }>> = {
  judge: { model: 'this model did not judge', answer: 'not with a judgement' },
  agent: { model: 'this model called no tool', answer: 'not as a chat model does' },
  simulator: { model: 'this model wrote no text', answer: 'not as a chat model does' },
}

/** What a failed test means for the connection, by the code of its refusal. */
export function testProblem(code: string | null, role: ServerRole): string {
  if (code !== null && MODEL_CODES.has(code)) return `The server answers, but ${FAILED[role].model}.`
  return code === 'network' || code === 'timeout' ? 'The server could not be reached.' : `The server answers, but ${FAILED[role].answer}.`
}
/** Of answers that came and could not be used. */
const MODEL_CODES: ReadonlySet<string> = new Set(['prose', 'wrong-tool', 'cut-off', 'unreadable', 'wrong-length', 'out-of-range', NO_CALL])

/** What to change after a failed test. Only where no answer came can it be CORS. */
export function connectionAdvice(
  code: string | null,
  { preset, baseUrl, page }: { readonly preset: ServerPreset; readonly baseUrl: string; readonly page: Pick<Location, 'protocol'> },
): string[] {
  if (code === 'network') return reachAdvice(preset, baseUrl, page.protocol)
  const advice = code === null ? undefined : ADVICE[code]
  if (code === 'unauthorised' && preset.name === 'gateway')
    return ['Open the address that npm start printed, which ends in #token=…, or paste that token into the field Key.']
  if (advice !== undefined) return [advice]
  return code !== null && MODEL_CODES.has(code) ? ['Choose a model that follows forced tool calls.'] : []
}

const ADVICE: Readonly<Record<string, string | undefined>> = {
  unauthorised: 'Copy the key again, as a whole, and check that it belongs to this server.',
  forbidden: 'Check that the account of the key may use this model.',
  'not-found': 'Check the name of the model, and the address: most end in /v1.',
  'rate-limited': 'Wait a while, or ask with fewer requests at a time. The address and the key are right.',
  server: 'The server is there and in trouble: look at its own log, or try later.',
  timeout: 'The server took the request and gave no answer in time: it may still be loading the model.',
  redirected: 'Give the address the server redirects to.',
  [NO_CALL]: 'Choose a model that calls tools, or have Hone read the calls out of the text: the field Calls does that.',
  malformed: 'Check that the address is that of an OpenAI-compatible interface: most end in /v1.',
  'cut-off': 'Raise the token limit: a model that thinks before it answers needs more.',
}

/** No answer came at all: what it may be. */
function reachAdvice(preset: ServerPreset, baseUrl: string, pageProtocol: string): string[] {
  const advice = [
    preset.corsHint,
    'Or start Hone with `npm start` and use its gateway: it calls the server for the page and can hold the key in OPENAI_API_KEY.',
  ]
  const host = hostOf(baseUrl) ?? ''
  if (pageProtocol === 'https:' && /^(localhost|127\.0\.0\.1)(:|$)/.test(host))
    advice.push('From a hosted https page, Chrome asks permission to reach localhost: answer Allow.')
  return advice
}
