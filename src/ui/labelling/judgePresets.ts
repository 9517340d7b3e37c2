/** Servers a judge may run on, and what to tell a person when one of them refuses. */
export interface JudgePreset {
  readonly name: string
  readonly title: string
  readonly baseUrl: string
  readonly model: string
  readonly needsKey: boolean
  /** The server's own option that lets a page call it. */
  readonly corsHint: string
}

export const judgePresets: readonly JudgePreset[] = [
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
export function judgeAddressProblem(baseUrl: string): string | null {
  if (baseUrl.trim() === '') return 'Give the server’s address, for example http://localhost:8000/v1.'
  let url: URL
  try {
    url = new URL(baseUrl)
  } catch {
    return 'This is not an address. Expected something like http://localhost:8000/v1.'
  }
  if (url.username !== '' || url.password !== '' || url.search !== '') return 'Keep user names, keys and queries out of the address.'
  if (url.protocol === 'https:') return null
  if (url.protocol !== 'http:') return `Expected https:// or http://, found ${url.protocol}//`
  return ['localhost', '127.0.0.1'].includes(url.hostname) ? null : 'Plain http is allowed to localhost only. Use https, or Hone’s gateway.'
}

/** Words for a failed connection: what it may be, and what to change. */
export function connectionAdvice(preset: JudgePreset, baseUrl: string, pageProtocol: string): string[] {
  const advice = [
    preset.corsHint,
    'Or start Hone with `npm start` and use its gateway: it calls the server for the page and can hold the key in OPENAI_API_KEY.',
  ]
  const host = hostOf(baseUrl) ?? ''
  if (pageProtocol === 'https:' && /^(localhost|127\.0\.0\.1)(:|$)/.test(host))
    advice.push('From a hosted https page, Chrome asks permission to reach localhost: answer Allow.')
  return advice
}
