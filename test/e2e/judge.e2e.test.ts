/** GPT-4-class annotation against a local server: three repeats averaged, every failure its own sentence, the key nowhere. */
import type { Page } from 'playwright'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { z } from 'zod'
import { openApp, type OpenApp } from '../support/app'
import { axeViolations } from '../support/axe'
import { startJudgeServer, type JudgeMood, type JudgeServer } from '../support/judgeServer'
import { storedRecords } from '../support/stored'

const KEY = 'sk-never-to-be-found-5309'
const turn = (text: string): string =>
  `<|im_start|>system\nSpecifically, you have access to the following APIs: ['pond_depth', 'Finish']<|im_end|>\n<|im_start|>user\n\n${text}\nBegin!\n<|im_end|>\n<|im_start|>assistant\n`
const reply = (text: string): string => `<|im_start|>function\n${text}<|im_end|>\n<|im_start|>assistant\n`
const literal = (items: readonly (string | number)[]): string =>
  `[${items.map((item) => (typeof item === 'number' ? String(item) : `'${item.replaceAll('\n', '\\n').replaceAll("'", "\\'")}'`)).join(', ')}]`
const cell = (text: string): string => `"${text.replaceAll('"', '""')}"`
const csv = `prompt\tresponse\treward\n${[
  literal([turn('How deep is Lull pond?'), reply('{"depth": 4}'), reply('{"depth": 4}')]),
  literal([
    'Thought: \nAction: pond_depth\nAction Input: {"name": "Lull"}<|im_end|>\n',
    'Thought: \nAction: pond_depth\nAction Input: {"name": "Lull"}<|im_end|>\n',
    'Thought: \nAction: Finish\nAction Input: {"return_type": "give_answer", "final_answer": "4"}<|im_end|>\n',
  ]),
  literal([1, 0, 1]),
]
  .map(cell)
  .join('\t')}\n`

let app: OpenApp
let judge: JudgeServer
const opinions = z.array(
  z.object({
    annotator_kind: z.string(),
    name: z.string(),
    value: z.number().nullable(),
    repeat: z.number(),
    step: z.number(),
    prompt_hash: z.string().nullable(),
  }),
)

beforeAll(async () => {
  judge = await startJudgeServer(2)
  app = await openApp('#/data', { viewport: { width: 1360, height: 900 } })
  await app.page.getByTestId('drop-zone').waitFor({ timeout: 60_000 })
  await app.page.getByTestId('file-input').setInputFiles({ name: 'pond.csv', mimeType: 'text/csv', buffer: Buffer.from(csv) })
  await app.page.getByTestId('dataset-card').waitFor({ timeout: 60_000 })
  const dataset = /dataset=([^&]+)/.exec(app.page.url())?.[1] ?? ''
  await app.page.goto(`${app.url}/#/label?dataset=${dataset}`)
  await app.page.getByTestId('step-card').first().waitFor({ timeout: 60_000 })
  await app.page.getByRole('button', { name: 'Ask a judge' }).click()
  await app.page.getByLabel('Address').fill(judge.url)
  await app.page.getByLabel('Model').fill('judge')
  await app.page.getByLabel('Key', { exact: true }).fill(KEY)
  await app.page.getByLabel('Repeats').fill('3')
}, 180_000)

afterAll(() => judge.server.close())

async function send(page: Page): Promise<string> {
  await page.getByTestId('judge-count').click()
  await page.getByTestId('judge-plan').waitFor()
  const plan = await page.getByTestId('judge-plan').innerText()
  expect(plan).toContain(new URL(judge.url).host)
  expect(plan).toMatch(/Calls\s*3/)
  // The outcome of the job before stands there until the new one is known.
  const progress = page.getByTestId('judge-progress')
  const before = (await progress.count()) > 0 ? await progress.getAttribute('data-job') : null
  await page.getByTestId('judge-send').click()
  const own = before === null ? progress : page.locator(`[data-testid="judge-progress"]:not([data-job="${before}"])`)
  await expect
    .poll(async () => ((await own.count()) > 0 ? own.innerText() : ''), { timeout: 60_000 })
    .toMatch(/^Judge (finished|failed|cancelled)/)
  return own.innerText()
}

it('nothing is sent before the number of calls and the host were shown', async () => {
  expect(await app.page.getByTestId('judge-send').count()).toBe(0)
  expect(judge.calls).toBe(0)
  expect(await axeViolations(app.page)).toEqual([])
})

it.each([
  ['wrong-length', /2 .*3|3 .*2/],
  ['prose', /prose|words|text|tool/i],
  ['unauthorised', /401|key/i],
  ['rate-limited', /429|rest|later|limit/i],
  ['no-cors', /CORS|cross-origin|gateway|reach/i],
] as const)('%s gets its own sentence and stores nothing', async (mood: JudgeMood, sentence) => {
  judge.mood = mood
  const told = await send(app.page)
  expect(told).toMatch(sentence)
  const rows = opinions.parse(await storedRecords(app.page, 'opinions'))
  expect(rows.filter((row) => row.annotator_kind === 'LLM')).toEqual([])
})

it('three repeats are stored as they came and averaged into a suggestion', async () => {
  judge.mood = 'scores'
  judge.calls = 0
  expect(await send(app.page)).toMatch(/^Judge finished/)
  expect(judge.calls).toBe(3)
  const rows = opinions.parse(await storedRecords(app.page, 'opinions')).filter((row) => row.annotator_kind === 'LLM')
  const contributions = rows.filter((row) => row.name === 'contribution' && row.step === 0)
  expect(contributions.map((row) => row.value).toSorted()).toEqual([3, 4, 5])
  expect(new Set(contributions.map((row) => row.repeat))).toEqual(new Set([0, 1, 2]))
  for (const row of rows) expect(row.prompt_hash).toMatch(/^[0-9a-f]{64}$/)
  // (1 + 4/5) / 2, beside the imported reward.
  await app.page.keyboard.press('Escape')
  await expect
    .poll(() => app.page.getByTestId('suggestion').allInnerTexts(), { timeout: 20_000 })
    .toContainEqual(expect.stringMatching(/0\.90/))
})

it('the key went to the server and is found nowhere else', async () => {
  expect(judge.keysSeen).toContain(`Bearer ${KEY}`)
  const stored = JSON.stringify(
    await Promise.all(
      ['runs', 'datasets', 'trajectories', 'opinions', 'evaluations', 'metrics'].map((kind) => storedRecords(app.page, kind)),
    ),
  )
  const page = await app.page.evaluate(
    () => JSON.stringify(localStorage) + JSON.stringify(sessionStorage) + location.href + document.body.innerText,
  )
  expect(stored + page).not.toContain(KEY)
  expect(app.problems.join('\n')).not.toContain(KEY)
})
