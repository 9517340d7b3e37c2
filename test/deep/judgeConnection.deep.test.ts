/** The connection test of a judge: what is wrong is called what it is, an answer belongs to the address it came from, and the gateway's token is sent by itself. */
import { createServer, type ServerResponse } from 'node:http'
import type { Page } from 'playwright'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { sampleCsv } from '../../src/data/sampleCsv'
import { GATEWAY_TOKEN, openApp } from '../support/app'

let answer: (response: ServerResponse) => void = () => undefined
const server = createServer((request, response) => {
  response.setHeader('access-control-allow-origin', '*')
  response.setHeader('access-control-allow-headers', '*')
  if (request.method === 'OPTIONS') response.writeHead(204).end()
  else {
    request.resume()
    request.on('end', () => {
      answer(response)
    })
  }
})
const json =
  (status: number, body: unknown, headers: Record<string, string> = {}) =>
  (response: ServerResponse) =>
    void response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body))
const called = json(200, {
  choices: [
    {
      message: {
        tool_calls: [
          {
            function: {
              name: 'evaluate_process_reward',
              arguments: { succeed_tool_calling: [1], contribution_to_final_answer: [5], final_answer_status: 'Solved' },
            },
          },
        ],
      },
    },
  ],
})
let url = ''
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  url = `http://127.0.0.1:${typeof address === 'object' ? (address?.port ?? 0) : 0}/v1`
})
afterAll(() => {
  server.closeAllConnections()
  server.close()
})

/** The drawer, beside a file with trajectories. */
async function openDrawer(hash: string): Promise<Page> {
  const { page, url: site } = await openApp(hash, { viewport: { width: 1360, height: 900 } })
  await page.getByRole('heading', { level: 1 }).waitFor({ timeout: 60_000 })
  expect(page.url()).not.toContain('token')
  await page.goto(`${site}/#/data`)
  await page.getByTestId('file-input').setInputFiles({ name: 'sample.csv', mimeType: 'text/csv', buffer: Buffer.from(sampleCsv()) })
  await page.getByTestId('dataset-card').waitFor({ timeout: 60_000 })
  await page.goto(`${site}/#/label?dataset=${/dataset=([^&]+)/.exec(page.url())?.[1] ?? ''}`)
  await page.getByRole('button', { name: 'Ask a judge' }).click({ timeout: 60_000 })
  return page
}

it('a refused key, a limit, a broken server and words are not called CORS; an old answer is not shown for a new address', async () => {
  const page = await openDrawer('')
  await page.getByLabel('Address').fill(url)
  await page.getByLabel('Model').fill('judge')
  const told = page.getByRole('dialog').getByRole('alert')
  for (const [how, sentence] of [
    [json(401, { error: { message: 'no such key' } }), /refused the key \(401\)[\s\S]*Copy the key again/],
    [json(429, { error: { message: 'slow down' } }, { 'retry-after': '600' }), /asks to slow down \(429\)[\s\S]*Wait a while/],
    [json(500, { detail: 'out of memory' }, { 'retry-after': '0' }), /failed \(500\)[\s\S]*out of memory[\s\S]*in trouble/],
    [json(200, { choices: [{ message: { content: 'Fine.' } }] }), /this model did not judge[\s\S]*answered in words/],
  ] as const) {
    answer = how
    await page.getByTestId('judge-test').click()
    await expect.poll(async () => ((await told.count()) > 0 ? told.innerText() : ''), { timeout: 20_000 }).toMatch(sentence)
    expect(await told.innerText()).not.toMatch(/CORS|origin|permission/i)
  }
  // The address changes while the server still thinks.
  const waiting: ServerResponse[] = []
  answer = (response) => void waiting.push(response)
  await page.getByTestId('judge-test').click()
  await expect.poll(() => waiting.length).toBe(1)
  await page.getByLabel('Address').fill(`${url}x`)
  for (const response of waiting) called(response)
  await page.waitForTimeout(1500)
  expect(await page.getByText('and can judge').count()).toBe(0)
  await page.getByLabel('Address').fill(url)
  answer = called
  await page.getByTestId('judge-test').click()
  await page.getByText('judge answered through evaluate_process_reward and can judge.').waitFor({ timeout: 20_000 })
  await page.context().close()
})

it.each([
  [`#token=${GATEWAY_TOKEN}`, /has no model server: set OPENAI_API_KEY/],
  ['', /asks for its token[\s\S]*paste that token into the field Key/],
])('opened at %j, the page asks the gateway with the token it has', async (hash, sentence) => {
  const page = await openDrawer(hash)
  await page.getByRole('combobox', { name: 'Server' }).click()
  await page.getByRole('option', { name: 'Hone’s gateway' }).click()
  await page.getByLabel('Model').fill('judge')
  await page.getByTestId('judge-test').click()
  const told = page.getByRole('dialog').getByRole('alert')
  await expect.poll(async () => ((await told.count()) > 0 ? told.innerText() : ''), { timeout: 30_000 }).toMatch(sentence)
  await page.context().close()
})
