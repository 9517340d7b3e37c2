/** Models from a Hub on the page: host and size first, drops taken up, refusals in sentences, the revision pinned, the token nowhere. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Page } from 'playwright'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { temporaryDirectory } from '../cli/commandContext'
import { llamaFolder } from '../models/llamaFolder'
import { TINY_REPO, tinyHubFiles } from '../models/tinyHub'
import { openApp } from '../support/app'
import { axeViolations } from '../support/axe'
import { COMMIT, serveHub, type HubServer } from '../support/hubServer'
import { looksRight, screenshotPath } from '../support/looks'
import { storedRecords } from '../support/stored'

const TOKEN = 'hf_neverToBeFound5309'

let hub: HubServer
let page: Page
let address: string
const total = (): number => [...hub.files.values()].reduce((sum, bytes) => sum + bytes.length, 0)
const host = (): string => new URL(hub.endpoint).host

beforeAll(async () => {
  hub = await serveHub(TINY_REPO, await tinyHubFiles())
  const app = await openApp('#/models', { colorScheme: 'light', viewport: { width: 1360, height: 1000 } })
  page = app.page
  address = app.url
  await page.getByTestId('remote-model').waitFor({ timeout: 60_000 })
  await page.getByText('Another Hub').click()
  await page.getByLabel('Address of the Hub').fill(hub.endpoint)
}, 180_000)
afterAll(async () => {
  await page.context().close()
  await hub.close()
})

async function lookUp(where: string, token = ''): Promise<void> {
  await page.getByLabel('Model', { exact: true }).fill(where)
  await page.getByLabel('Access token').fill(token)
  await page.getByTestId('remote-look').click()
}
async function refusal(where: string, token = ''): Promise<string> {
  await lookUp(where, token)
  return page.getByTestId('remote-error').innerText({ timeout: 60_000 })
}
const card = (title: string) => page.getByTestId('model-card').filter({ hasText: title })

it('names the host before anything is asked', async () => {
  await page.getByLabel('Model', { exact: true }).fill(TINY_REPO)
  expect(await page.getByTestId('remote-look').innerText()).toBe(`Look up on ${host()}`)
  await page.getByLabel('Model', { exact: true }).fill('https://example.org/a/model')
  expect(await page.getByTestId('remote-look').innerText()).toBe('Look up on example.org')
  expect(hub.seen).toEqual([])
})

it('each refusal is a sentence: not found, no token, a wrong one, terms not accepted, pickles, no CORS, offline', async () => {
  expect(await refusal('tiny-org/nothing')).toBe('tiny-org/nothing@main: not found (404); check the name and the revision.')
  hub.faults.secured = { token: TOKEN, status: 401 }
  expect(await refusal(TINY_REPO)).toMatch(/^tiny-org\/tiny_qwen2@main: the server asks for an access token \(401\)/)
  expect(await refusal(TINY_REPO, 'hf_another')).toMatch(/does not accept the access token \(401\); it may have expired/)
  hub.faults.secured = { token: TOKEN, status: 403 }
  expect(await refusal(TINY_REPO, 'hf_another')).toMatch(/the server forbids access \(403\); accept the terms of a gated model/)
  hub.faults.secured = null
  const shards = [...hub.files].filter(([name]) => name.includes('safetensors'))
  for (const [name] of shards) hub.files.delete(name)
  hub.files.set('pytorch_model.bin', new Uint8Array(100))
  expect(await refusal(TINY_REPO)).toMatch(/found pytorch_model\.bin\. Pickled weights can run code when opened.*convert with/)
  hub.files.delete('pytorch_model.bin')
  for (const [name, bytes] of shards) hub.files.set(name, bytes)
  hub.faults.cors = false
  expect(await refusal(TINY_REPO)).toMatch(/no connection, 5 times in a row\..*may not let pages of other sites read it \(CORS\)/)
  hub.faults.cors = true
  await page.context().setOffline(true)
  expect(await refusal(TINY_REPO)).toBe('This computer is offline: connect it, then look again.')
  await page.context().setOffline(false)
  expect(hub.sentBytes()).toBeLessThan(total() / 2)
})

it('shows host, commit and bytes, then takes up what broke; what arrived before a failure is kept', async () => {
  hub.faults.secured = { token: TOKEN, status: 401 }
  await lookUp(`${TINY_REPO}@v1`, TOKEN)
  const plan = await page.getByTestId('remote-plan').innerText({ timeout: 60_000 })
  expect(plan).toContain(host())
  expect(plan).toContain(COMMIT)
  expect(plan).toMatch(/Files\s+6\b/)
  expect(await page.getByTestId('remote-fetch').innerText()).toMatch(new RegExp(`^Download \\d+(\\.\\d)? KB from ${host()}$`))
  expect(await axeViolations(page)).toEqual([])
  await page.screenshot({ path: screenshotPath('models-plan'), fullPage: true })

  // Large answers end before their first byte: after five tries it is given up.
  hub.faults.drops = { count: 1000, afterBytes: 0, atLeast: 5000 }
  await page.getByTestId('remote-fetch').click()
  const error = await page.getByTestId('download-error').innerText({ timeout: 60_000 })
  expect(error).toMatch(/the connection broke.*5 times in a row\..* The part that arrived is kept\.$/)
  await page.getByTestId('unfinished').waitFor()
  expect(await page.getByTestId('unfinished').innerText()).toMatch(/tiny-org\/tiny_qwen2 from 127\.0\.0\.1:\d+: .* of .* are here\./)
  expect(await card(TINY_REPO).count()).toBe(0)
  await page.screenshot({ path: screenshotPath('models-failed'), fullPage: true })

  hub.faults.drops = { count: 2, afterBytes: 2000, atLeast: 5000 }
  hub.seen.length = 0
  await page.getByTestId('download-continue').click()
  await card(TINY_REPO).waitFor({ timeout: 60_000 })
  expect(hub.faults.drops.count).toBe(0)
  expect(hub.seen.some(({ range }) => /^bytes=2000-\d+$/.test(range ?? ''))).toBe(true)
  // The token went to the Hub and not to the server it redirects to.
  expect(new Set(hub.seen.map(({ origin, authorization }) => `${origin} ${authorization ?? 'none'}`))).toEqual(
    new Set([`hub Bearer ${TOKEN}`, 'files none']),
  )
  expect(await page.getByTestId('unfinished').count()).toBe(0)
})

it('the model stands there with its commit, its origin and what was shown of its architecture, after a reload too', async () => {
  await page.reload()
  await card(TINY_REPO).waitFor({ timeout: 60_000 })
  const text = await card(TINY_REPO).innerText()
  expect(text).toContain(COMMIT)
  expect(text).toContain(`${host()}/${TINY_REPO}`)
  expect(text).toContain('Qwen 2 and 2.5: exact against transformers')
  const claims = await page.getByTestId('architecture-claims').innerText()
  expect(claims).toMatch(/Qwen 3\s+● ?with no rotary scaling\s+○ ?none/)
  expect(claims).toMatch(/Llama 2 and 3\s+● ?with no rotary scaling, llama3 scaling, linear scaling\s+○ ?none/)
  await looksRight(page, 'models-hub', { fullPage: true })
})

it('the token is in no storage, address or text', async () => {
  const records = await Promise.all(
    ['runs', 'datasets', 'trajectories', 'opinions', 'blobs', 'blobHeads'].map((kind) => storedRecords(page, kind)),
  )
  expect(JSON.stringify(records)).not.toContain(TOKEN)
  const found = await page.evaluate(async (token) => {
    const places: string[] = []
    if (
      `${JSON.stringify(localStorage)}${JSON.stringify(sessionStorage)}${location.href}${document.documentElement.outerHTML}`.includes(
        token,
      )
    )
      places.push('page')
    const directory = (await navigator.storage.getDirectory()) as unknown as AsyncIterable<[string, { getFile(): Promise<File> }]>
    let files = 0
    for await (const [name, handle] of directory) {
      files += 1
      if ((await (await handle.getFile()).text()).includes(token)) places.push(name)
    }
    return { places, files }
  }, TOKEN)
  expect(found.places).toEqual([])
  expect(found.files).toBeGreaterThan(5)
})

it('a download can be cancelled, and what it left deleted', async () => {
  await page.goto(`${address}/#/models`)
  await page.getByTestId('remote-model').waitFor({ timeout: 60_000 })
  await card(TINY_REPO)
    .getByRole('button', { name: `Delete ${TINY_REPO}` })
    .click()
  await card(TINY_REPO).getByRole('button', { name: 'Delete its files' }).click()
  await expect.poll(() => card(TINY_REPO).count(), { timeout: 20_000 }).toBe(0)
  hub.faults.secured = null
  await page.getByText('Another Hub').click()
  await page.getByLabel('Address of the Hub').fill(hub.endpoint)
  await lookUp(TINY_REPO)
  await page.getByTestId('remote-fetch').waitFor({ timeout: 60_000 })
  hub.faults.drops = { count: 1000, afterBytes: 1, atLeast: 5000 }
  await page.getByTestId('remote-fetch').click()
  await page.getByTestId('download-cancel').click()
  expect(await page.getByTestId('download-end').innerText({ timeout: 20_000 })).toMatch(/was cancelled\. The part that arrived is kept\.$/)
  hub.faults.drops = { count: 0, afterBytes: 0 }
  if ((await page.getByTestId('unfinished').count()) > 0) {
    await page.getByRole('button', { name: `Delete the download of ${TINY_REPO}` }).click()
    await page.getByRole('button', { name: 'Delete what arrived' }).click()
    await expect.poll(() => page.getByTestId('unfinished').count(), { timeout: 20_000 }).toBe(0)
  }
})

it('a folder with tokenizer.model and no tokenizer.json is imported', async () => {
  const folder = join(temporaryDirectory(), 'ToolLLaMA-tiny')
  mkdirSync(folder)
  for (const [name, bytes] of await llamaFolder()) writeFileSync(join(folder, name), bytes)
  await page.getByTestId('model-folder').setInputFiles(folder)
  await card('ToolLLaMA-tiny').waitFor({ timeout: 60_000 })
  expect(await card('ToolLLaMA-tiny').innerText()).toContain('Llama 2 and 3: exact against transformers')
})

it('the import of a folder says how far it is, with the file, and leaves nothing when it is stopped', async () => {
  await page.goto(`${address}/#/models`)
  const folder = join(temporaryDirectory(), 'Colossus')
  mkdirSync(folder)
  for (const [name, bytes] of await llamaFolder({ hidden_size: 1024, intermediate_size: 8192, num_hidden_layers: 4 }))
    writeFileSync(join(folder, name), bytes)
  await page.getByTestId('model-folder').setInputFiles(folder)
  await page.getByText(/^Storing model\.safetensors, [\d.]+ [KM]B of \d+ MB · [\d.]+ [KMG]B\/s · \d+ s left$/).waitFor({ timeout: 60_000 })
  await looksRight(page, 'model-import', { fullPage: false })
  await page.getByTestId('import-stop').click()
  expect(await page.getByTestId('import-stopped').innerText({ timeout: 30_000 })).toBe(
    'The import was stopped, and nothing of it is stored.',
  )
  expect(await card('Colossus').count()).toBe(0)
  await page.goto(`${address}/#/settings?tab=storage`)
  await page.getByText('ToolLLaMA-tiny').first().waitFor({ timeout: 30_000 })
  expect(await page.getByText('Colossus').count()).toBe(0)
})

it('a card says how the model calls tools, and a new evaluation and a new run offer every call format', async () => {
  await page.goto(`${address}/#/models`)
  await page.getByTestId('remote-model').waitFor({ timeout: 60_000 })
  await expect
    .poll(() => card('Starter model').innerText(), { timeout: 60_000 })
    .toContain('Compact calls. Every role has a token of its own')
  for (const [place, link] of [
    ['evaluate', 'Evaluate'],
    ['new run', 'Train'],
  ] as const) {
    await card('Starter model').getByRole('link', { name: link }).first().click()
    const field = page.getByRole('combobox', { name: /^Call format/ })
    await expect.poll(() => field.inputValue(), { timeout: 60_000, message: place }).toBe('as its chat template says: Compact calls')
    await field.click()
    await page.getByRole('option', { name: 'Hermes and Qwen: JSON in <tool_call> tags' }).click()
    expect(await field.inputValue()).toBe('Hermes and Qwen: JSON in <tool_call> tags')
    await page.goto(`${address}/#/models`)
    await page.getByTestId('remote-model').waitFor({ timeout: 60_000 })
  }
})
