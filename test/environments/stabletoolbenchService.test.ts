/** StableToolBench's environment against a tool server elsewhere (`service_url`): what it posts, and what each answer becomes. */
import { expect, it } from 'vitest'
import { EnvironmentError } from '../../src/environments/environment'
import { createStableToolBench } from '../../src/environments/stabletoolbench/environment'
import { benchFiles, treeOf } from './stabletoolbenchFiles'

const URL = 'http://localhost:8080/virtual'
const call = { name: 'current_weather_for_sky_watch', arguments: { city: 'Oslo' } }
type Fetch = (url: string, init?: RequestInit) => Promise<Response>

async function episodeOf(fetch: Fetch | null, settings: Record<string, unknown> = {}) {
  const environment = await createStableToolBench({
    files: treeOf(benchFiles),
    settings: { service_url: URL, ...settings },
    ...(fetch ? { fetch } : {}),
  })
  return environment.open(environment.sets.get('G1_instruction')?.[0] ?? null)
}

it('posts the fields of StepTool’s client', async () => {
  const sent: [string, unknown][] = []
  const episode = await episodeOf((url, init) => {
    sent.push([url, JSON.parse(init?.body as string)])
    return Promise.resolve(Response.json({ error: '', response: 'cold' }))
  })
  expect(await episode.call([call])).toMatchObject([{ text: '{"error": "", "response": "cold"}', error: null }])
  const fields = { category: 'Weather', tool_name: 'sky_watch', api_name: 'current_weather', strip: 'truncate', toolbench_key: '' }
  expect(sent).toEqual([[URL, { ...fields, tool_input: '{"city": "Oslo"}' }]])
})

it.each<[string, Fetch, string, string]>([
  ['a status', () => Promise.resolve(new Response('', { status: 503 })), 'request invalid, data error. status_code=503', 'failed'],
  ['no JSON', () => Promise.resolve(new Response('<html>')), 'request invalid, data error', 'failed'],
  [
    'a quota',
    () => Promise.resolve(Response.json({ error: 'Too many requests error...', response: '' })),
    'Too many requests error...',
    'quota',
  ],
  [
    'silence',
    (_, init) => new Promise((_resolve, reject) => init?.signal?.addEventListener('abort', () => reject(new Error('aborted')))),
    'Timeout error...',
    'timeout',
  ],
])('%s is an observation, and the episode goes on', async (_, fetch, error, kind) => {
  const episode = await episodeOf(fetch, { timeout_s: 0.05 })
  expect(await episode.call([call])).toMatchObject([{ text: `{"error": "${error}", "response": ""}`, error: kind }])
  expect((await episode.finish('cold')).status).toBe('unsure')
})

it('a server that cannot be reached, and no network, end the attempt with one sentence', async () => {
  const episode = await episodeOf(() => Promise.reject(new Error('connection refused.')))
  await expect(episode.call([call])).rejects.toThrow(
    new EnvironmentError(
      'unavailable',
      `The tool server at ${URL} could not be reached: connection refused. Start it, or clear service_url to use the folder’s own cache.`,
    ),
  )
  await expect(episodeOf(null)).rejects.toThrow(`The tool server at ${URL} cannot be asked: there is no network here.`)
})

it('stops waiting when it is cancelled', async () => {
  const episode = await episodeOf(() => new Promise(() => undefined))
  const stop = new AbortController()
  const replies = episode.call([call], { signal: stop.signal })
  stop.abort(new Error('stopped by hand'))
  await expect(replies).rejects.toThrow('stopped by hand')
})
