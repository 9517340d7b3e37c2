/** Worlds that are made from a person's files, and a model behind a server that acts in them. */
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import type { Page } from 'playwright'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { z } from 'zod'
import { openApp } from '../support/app'
import { axeViolations, overflow } from '../support/axe'
import { projectRoot } from '../support/sources'

const folder = join(projectRoot, 'test/fixtures/bfcl')
const lines = <T>(path: string, schema: z.ZodType<T>): T[] =>
  readFileSync(join(folder, path), 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => schema.parse(JSON.parse(line)))
const question = z.object({ id: z.string(), question: z.array(z.array(z.object({ content: z.string() }))) })
const answer = z.object({ ground_truth: z.array(z.record(z.string(), z.record(z.string(), z.array(z.unknown())))) })

/** The right calls of the first questions of one category, by the question's text. */
const right = new Map(
  lines('BFCL_v4_simple_python.json', question)
    .slice(0, 2)
    .map(({ question: said }, at) => {
      const calls = lines('possible_answer/BFCL_v4_simple_python.json', answer)[at]?.ground_truth ?? []
      return [said[0]?.at(-1)?.content ?? '', calls.flatMap((call) => Object.entries(call))]
    }),
)
const firstValues = (values: Readonly<Record<string, readonly unknown[]>>): object =>
  Object.fromEntries(Object.entries(values).flatMap(([name, [first]]) => (first === '' ? [] : [[name, first]])))

const request = z.object({
  model: z.string(),
  messages: z.array(z.object({ content: z.string().nullable() })),
  tools: z.array(z.unknown()).optional(),
})
const asked: z.output<typeof request>[] = []
/** Knows these answers, adds what it is asked to add, and otherwise speaks. */
const server = createServer((message, response) => {
  const cors = { 'access-control-allow-origin': '*', 'access-control-allow-headers': '*' }
  if (message.method === 'OPTIONS') {
    response.writeHead(204, cors).end()
    return
  }
  let text = ''
  message.on('data', (chunk: Buffer) => (text += chunk.toString()))
  message.on('end', () => {
    const read = request.parse(JSON.parse(text))
    asked.push(read)
    const said = read.messages.at(-1)?.content ?? ''
    const known = said.startsWith('Add 17') ? ([['add', { a: [17], b: [25] }]] as const) : right.get(said)
    const toolCalls = (known ?? []).map(([name, values], at) => ({
      ...{ id: `call_${at}`, type: 'function' },
      function: { name: name.replaceAll('.', '_'), arguments: JSON.stringify(firstValues(values)) },
    }))
    const reply = toolCalls.length > 0 ? { content: null, tool_calls: toolCalls } : { content: 'No function fits.' }
    response.writeHead(200, { ...cors, 'content-type': 'application/json' }).end(
      JSON.stringify({
        choices: [{ index: 0, finish_reason: 'stop', message: { role: 'assistant', ...reply } }],
        usage: { prompt_tokens: 100, completion_tokens: 10, total_tokens: 110 },
      }),
    )
  })
})
let address = ''
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const at = server.address()
  address = `http://127.0.0.1:${typeof at === 'object' ? (at?.port ?? 0) : 0}/v1`
})
afterAll(() => {
  server.closeAllConnections()
  server.close()
})

const choose = async (page: Page, label: string, option: string | RegExp): Promise<void> => {
  await page.getByRole('combobox', { name: label, exact: true }).click()
  await page.getByRole('option', { name: option }).click()
}
it('a folder of functions becomes tools that can be called, and a model behind a server is tested and evaluated on them', async () => {
  const { page, url } = await openApp('#/tools?world=bfcl', { viewport: { width: 1360, height: 1000 } })
  await page.getByTestId('world-data').waitFor({ timeout: 60_000 })
  expect(await page.getByTestId('tool-row').count()).toBe(0)
  await page.getByTestId('world-folder').setInputFiles(folder)
  await page.getByTestId('tool-row').filter({ hasText: 'write_card' }).click({ timeout: 30_000 })
  await page.getByLabel('to', { exact: true }).fill('Aunt Mo')
  await page.getByLabel('text', { exact: true }).fill('See you')
  await choose(page, 'style', 'festive')
  await page.getByTestId('tool-call').click()
  expect(await page.getByTestId('tool-reply').innerText()).toContain('write_card({"to":"Aunt Mo","text":"See you","style":"festive"})')
  expect(await axeViolations(page)).toEqual([])
  await page.setViewportSize({ width: 390, height: 844 })
  expect(await overflow(page)).toBe(0)
  await page.setViewportSize({ width: 1360, height: 1000 })

  await page.goto(`${url}/#/evaluate`)
  await page.getByRole('button', { name: 'New evaluation' }).click()
  await choose(page, 'Model', 'A model behind a server…')
  const evaluate = page.getByRole('button', { name: 'Evaluate', exact: true })
  await choose(page, 'Server', 'Custom')
  expect(await evaluate.isDisabled()).toBe(true)
  await page.getByLabel('Address').fill(address)
  await page.getByLabel('Name of the model').fill('stand-in')
  await page.getByTestId('agent-test').click()
  await page.getByText('✓ stand-in answered, and called the tool').waitFor()
  await choose(page, 'Benchmark', 'BFCL version 4, single-turn')
  await choose(page, 'Data', /^bfcl/)
  await page.getByTestId('server-calls').waitFor()
  expect(await axeViolations(page)).toEqual([])
  await page.setViewportSize({ width: 390, height: 844 })
  expect(await overflow(page)).toBe(0)
  await page.setViewportSize({ width: 1360, height: 1000 })
  const before = asked.length
  await evaluate.click()
  const row = page.getByRole('region', { name: 'Leaderboard' }).getByRole('row').filter({ hasText: 'stand-in' })
  await row.waitFor({ timeout: 30_000 })
  // It answers those, and is right to call nothing where no function fits.
  const passed = right.size + ['BFCL_v4_irrelevance.json', 'BFCL_v4_live_irrelevance.json'].flatMap((path) => lines(path, question)).length
  const questions = asked.length - before
  expect(questions).toBe(25)
  expect(asked.slice(before).some(({ tools = [] }) => tools.length > 0)).toBe(true)
  expect(await row.innerText()).toMatch(new RegExp(`${Math.round((100 * passed) / questions)}%[\\s\\S]*\\s${questions}\\s`))
})

it('a run says on what it practises, and why a benchmark without practice does not fit', async () => {
  const { page } = await openApp('#/train/new?algorithm=grpo', { viewport: { width: 1360, height: 1000 } })
  await page.getByTestId('practice-fit').getByText('for practice').waitFor({ timeout: 60_000 })
  await choose(page, 'Practise on', /^BFCL version 4, single-turn/)
  await page.getByTestId('world-folder').setInputFiles(folder)
  await page.getByTestId('practice-fit').getByText('for exams only').waitFor({ timeout: 30_000 })
  await page.getByTestId('blockers').getByText('cannot practise on it').waitFor({ timeout: 30_000 })
  expect(await page.getByTestId('train-start').isDisabled()).toBe(true)
  expect(await axeViolations(page)).toEqual([])
  await page.setViewportSize({ width: 390, height: 844 })
  expect(await overflow(page)).toBe(0)
})
