/** A run of the studio to wandb: page → ledger → gateway → (a server in wandb's place). */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createFetchLedger, type FetchLike } from '../../src/network/fetchLedger'
import { createGateway } from '../../src/gateway/app'
import type { WandbServer } from '../../src/gateway/wandb'
import { createWandb } from '../../src/studio/runs/wandb'
import type { RunDetail } from '../../src/worker/protocol'
import { MockWandb, WANDB_KEY } from '../support/mockWandb'

const wandb = new MockWandb()
let server: WandbServer
beforeAll(async () => {
  server = await wandb.start()
})
afterAll(() => wandb.stop())

const run = {
  ...{
    run_id: 'r1',
    title: 'SFT',
    kind: 'train',
    algorithm: 'sft',
    config: { max_steps: 2 },
    model: { id: 'starter', sha256: '' },
    data: [],
  },
  ...{ seed: 1, notes: [], status: 'finished', created_at: '2026-01-02T03:04:05.000Z', finished_at: '2026-01-02T03:04:06.000Z' },
}
const detail = (metrics: RunDetail['metrics']): RunDetail => ({ run, metrics }) as unknown as RunDetail
const METRICS = { step: [0, 1], columns: { loss: [1, 0.5] } } as unknown as RunDetail['metrics']

function room(page: string, gateway: WandbServer | null, metrics = METRICS) {
  const app = createGateway({
    token: 'the-token',
    siteDirectory: null,
    upstream: null,
    wandb: gateway,
    allowedOrigins: [],
    fetch,
    sleep: () => Promise.resolve(),
  })
  const asked: string[] = []
  const fetchGateway: FetchLike = async (url, init) => {
    asked.push(url)
    if (!url.startsWith('http://localhost')) throw new TypeError('Failed to fetch')
    return app.request(url, { ...init, headers: { ...(init?.headers as Record<string, string>), host: new URL(url).host } })
  }
  const ledger = createFetchLedger({ fetch: fetchGateway, now: () => '', ownOrigin: page })
  const wandb = createWandb({ ledger, ownOrigin: page, detail: () => Promise.resolve({ ok: true, value: detail(metrics) }) })
  return { sendToWandb: (runId: string, token: string | null = 'the-token') => wandb.sendToWandb(runId, token), asked, ledger }
}

test('goes through the gateway that serves the page; the page sees no key', async () => {
  const { sendToWandb, asked, ledger } = room('http://localhost:4999/hone/', server)
  const reply = await sendToWandb('r1')
  expect(reply).toEqual({ ok: true, value: { url: `${server.baseUrl}/ada/hone/runs/r1`, sent: 2, steps: 2 } })
  expect(asked).toEqual(['http://localhost:4999/gateway/v1/wandb/runs'])
  expect(wandb.runs.get('ada/hone/r1')).toMatchObject({ exitcode: 0, history: ['{"loss":1,"_step":0}', '{"loss":0.5,"_step":1}'] })
  expect(JSON.stringify([reply, ledger.entries()])).not.toContain(WANDB_KEY)
})

test('a page from elsewhere asks the gateway of npm start', async () => {
  const { sendToWandb, asked } = room('https://example.org/hone/', server)
  expect(await sendToWandb('r1')).toMatchObject({ ok: true, value: { sent: 0, steps: 2 } })
  expect(asked).toEqual(['http://localhost:4180/gateway/v1/wandb/runs'])
})

test('says what is missing: a key, a gateway, metrics', async () => {
  expect(await room('http://localhost:4180/', null).sendToWandb('r1')).toMatchObject({
    ok: false,
    message: expect.stringContaining('set WANDB_API_KEY') as string,
  })
  expect(await room('http://127.0.0.1:4180/', server).sendToWandb('r1')).toMatchObject({
    ok: false,
    message: expect.stringContaining('gateway does not answer') as string,
  })
  const none = { step: [], columns: {} } as unknown as RunDetail['metrics']
  expect(await room('http://localhost:4180/', server, none).sendToWandb('r1')).toMatchObject({ ok: false, code: 'no-metrics' })
})

test('without the gateway’s token nothing is sent, and the sentence says where it is', async () => {
  expect(await room('http://localhost:4180/', server).sendToWandb('r1', null)).toMatchObject({
    ok: false,
    message: expect.stringMatching(/asks for its token: open the address that npm start printed/) as string,
  })
})
