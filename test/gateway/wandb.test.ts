/** What is sent to wandb, against a server on this machine that holds it to wandb's own client: nothing here has seen the real one. */
import { afterEach, describe, expect, it } from 'vitest'
import { createGateway } from '../../src/gateway/app'
import { sendRunToWandb, wandbFromEnvironment, type WandbServer } from '../../src/gateway/wandb'
import { wandbRunOf, type WandbRun } from '../../src/records/wandbRun'
import { MockWandb, WANDB_KEY as KEY } from '../support/mockWandb'

const record = {
  ...{ run_id: 'run/7', title: 'Step-grained PPO on starter', kind: 'train' as const, algorithm: 'steptool-ppo' },
  // Three steps were asked for beside the settings.
  config: { learning_rate: 1e-5, init_kl_coef: 0.3, max_steps: 100 },
  model: { id: 'starter', sha256: 'ab' },
  data: [],
  ...{ seed: 3, notes: ['two', 'lines'], status: 'finished' as const, steps_done: 3 },
  ...{ created_at: '2026-01-02T03:04:05.000Z', finished_at: '2026-01-02T03:05:05.000Z' },
}
const metrics = { step: [0, 1, 2], columns: { loss: [0.7, Number.NaN, 0.5], 'objective/kl': [0, 0.25, null] } }
const place = { project: 'hone', entity: null }
const ROWS = ['{"loss":0.7,"objective/kl":0,"_step":0}', '{"objective/kl":0.25,"_step":1}', '{"loss":0.5,"_step":2}']

const mocks: MockWandb[] = []
async function mock(): Promise<{
  wandb: MockWandb
  server: WandbServer
  send: (run: WandbRun) => ReturnType<typeof sendRunToWandb>
  slept: number[]
}> {
  const wandb = new MockWandb()
  mocks.push(wandb)
  const server = await wandb.start()
  const slept: number[] = []
  const sleep = (ms: number): Promise<void> => Promise.resolve(void slept.push(ms))
  return { wandb, server, slept, send: (run) => sendRunToWandb(server, run, { fetch, sleep }) }
}
afterEach(async () => {
  for (const one of mocks.splice(0)) await one.stop()
})

describe('a run sent to wandb', () => {
  it('is there with configuration, every step, the last values and its end', async () => {
    const { wandb, server, send } = await mock()
    const sent = await send(wandbRunOf(record, metrics, place))
    expect(sent).toEqual({ url: `${server.baseUrl}/ada/hone/runs/run-7`, sent: 3, steps: 3 })
    expect(wandb.runs.get('ada/hone/run-7')).toEqual({
      displayName: 'Step-grained PPO on starter',
      config: {
        ...{ algorithm: { value: 'steptool-ppo' }, model: { value: record.model }, data: { value: [] }, seed: { value: 3 } },
        ...{ learning_rate: { value: 1e-5 }, init_kl_coef: { value: 0.3 }, max_steps: { value: 3 } },
      },
      history: ROWS,
      summary: { loss: 0.5, 'objective/kl': 0.25, _step: 2, _runtime: 60 },
      exitcode: 0,
    })
  })

  it('sent again while it goes on gets the new steps alone, and its end only when it is over', async () => {
    const { wandb, send } = await mock()
    const early = { step: [0, 1], columns: { loss: [0.7, null], 'objective/kl': [0, 0.25] } }
    const running = { ...record, status: 'running' as const, finished_at: null }
    expect(await send(wandbRunOf(running, early, { project: 'hone', entity: 'a team' }))).toMatchObject({ sent: 2 })
    expect(wandb.runs.get('a team/hone/run-7')).toMatchObject({ exitcode: null, summary: { _step: 1 } })
    expect(await send(wandbRunOf({ ...record, status: 'failed' }, metrics, { project: 'hone', entity: 'a team' }))).toMatchObject({
      sent: 1,
      steps: 3,
    })
    expect(wandb.runs.get('a team/hone/run-7')).toMatchObject({ exitcode: 1, history: ROWS })
  })

  it('goes in pieces wandb takes, in order', async () => {
    const { wandb, send } = await mock()
    const step = Array.from({ length: 3000 }, (_, index) => index)
    const columns = Object.fromEntries(
      Array.from({ length: 120 }, (_, name) => [`a/metric/with/a/long/name/${name}`, step.map((at) => at + name)]),
    )
    await send(wandbRunOf(record, { step, columns }, place))
    expect(wandb.requests).toBeGreaterThan(4)
    const found = wandb.runs.get('ada/hone/run-7')?.history.map((line) => (JSON.parse(line) as { _step: number })._step)
    expect(found).toEqual(step)
  })

  it('waits where wandb is busy, and says what wandb refused without the key', async () => {
    const { wandb, send, slept } = await mock()
    const run = wandbRunOf(record, metrics, place)
    wandb.fail.push({ status: 429 }, { status: 503 })
    expect(await send(run)).toMatchObject({ sent: 3 })
    expect(slept).toEqual([1000, 2000])

    wandb.fail.push(...[1, 2, 3, 4].map(() => ({ status: 500 })))
    await expect(send(run)).rejects.toThrow(/^wandb at 127\.0\.0\.1:\d+ answered with status 500\.$/)
    wandb.fail.push({ status: 401 })
    await expect(send(run)).rejects.toThrow(/does not know the key in WANDB_API_KEY\.$/)
    wandb.fail.push({ status: 403 })
    await expect(send(run)).rejects.toThrow(/lets this key write no run there/)
    wandb.fail.push({ status: 200, body: JSON.stringify({ errors: [{ message: `permission denied for ${KEY}` }] }) })
    await expect(send(run)).rejects.toThrow(/^wandb refused the run: permission denied for \[key\]$/)
    wandb.fail.push({ status: 200, body: '<html>' })
    await expect(send(run)).rejects.toThrow(/did not answer as wandb does/)
    await wandb.stop()
    await expect(send(run)).rejects.toThrow(/could not be reached\.$/)
  })
})

describe('the gateway', () => {
  const app = (wandb: WandbServer | null) =>
    createGateway({
      token: 'the-token',
      siteDirectory: null,
      upstream: null,
      wandb,
      allowedOrigins: [],
      fetch,
      sleep: () => Promise.resolve(),
    })
  const ask = (wandb: WandbServer | null, body: string) =>
    app(wandb).request('http://localhost:4180/gateway/v1/wandb/runs', {
      ...{ method: 'POST', body },
      headers: { host: 'localhost:4180', 'content-type': 'application/json', authorization: 'Bearer the-token' },
    })

  it('adds the key, which no answer holds', async () => {
    const { wandb, server } = await mock()
    const response = await ask(server, JSON.stringify(wandbRunOf(record, metrics, place)))
    expect([response.status, await response.json()]).toEqual([200, { url: `${server.baseUrl}/ada/hone/runs/run-7`, sent: 3, steps: 3 }])
    wandb.fail.push({ status: 400, body: KEY })
    const refused = await ask(server, JSON.stringify(wandbRunOf(record, metrics, place)))
    expect(refused.status).toBe(502)
    expect(await refused.text()).not.toContain(KEY)
    const health = await (
      await app(server).request('http://localhost:4180/gateway/v1/health', {
        headers: { host: 'localhost:4180', authorization: 'Bearer the-token' },
      })
    ).text()
    expect(JSON.parse(health)).toMatchObject({ wandb: new URL(server.baseUrl).host })
    expect(health).not.toContain(KEY)
  })

  it('says what is missing', async () => {
    expect(await (await ask(null, '{}')).json()).toMatchObject({
      error: { code: 'no_wandb', message: expect.stringContaining('WANDB_API_KEY') as string },
    })
    const { wandb, server } = await mock()
    const response = await ask(server, JSON.stringify({ ...wandbRunOf(record, metrics, place), project: 'a/b' }))
    expect([response.status, wandb.requests]).toEqual([400, 0])
    expect(await response.json()).toMatchObject({
      error: { message: expect.stringContaining('project: a name of 1 to 128 characters') as string },
    })
  })

  it('takes key and address from the environment', () => {
    expect(wandbFromEnvironment({})).toBeNull()
    expect(wandbFromEnvironment({ WANDB_API_KEY: ` ${KEY} ` })).toEqual({ baseUrl: 'https://api.wandb.ai', apiKey: KEY })
    expect(wandbFromEnvironment({ WANDB_API_KEY: KEY, WANDB_BASE_URL: 'http://localhost:8080/' })?.baseUrl).toBe('http://localhost:8080')
    expect(() => wandbFromEnvironment({ WANDB_API_KEY: KEY, WANDB_BASE_URL: 'nowhere' })).toThrow('WANDB_BASE_URL must be')
  })
})
