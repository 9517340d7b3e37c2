/** The story in a real browser, as every test of it sees it: begun, and ended with proof that something was learnt. */
import type { Page } from 'playwright'
import { expect } from 'vitest'
import { z } from 'zod'
import { axeViolations } from './axe'
import { screenshotPath, settled } from './looks'
import { storedRecords } from './stored'

const runs = z.array(
  z.object({
    run_id: z.string(),
    kind: z.string(),
    status: z.string(),
    steps_done: z.number(),
    world_hash: z.string().nullable(),
    adapter_sha256: z.object({ before: z.string(), after: z.string().nullable() }).nullable(),
  }),
)
const metricChunks = z.array(
  z.object({ table: z.object({ step: z.array(z.number()), columns: z.record(z.string(), z.array(z.number().nullable())) }) }),
)

const gradNormsOf = (stored: unknown): (number | null)[] => metricChunks.parse(stored).flatMap(({ table }) => table.columns.grad_norm ?? [])

/** From Start through the first exam until curves of training are there: the grid fills and gives a rate with its interval. */
export async function startStory(page: Page): Promise<void> {
  await page.getByTestId('start-button').click({ timeout: 60_000 })
  await page.getByTestId('exam-before').waitFor({ timeout: 120_000 })
  await page.getByTestId('rate-before').waitFor({ timeout: 240_000 })
  await page.getByTestId('chart-reward').waitFor({ timeout: 240_000 })
}

/** Of a story under way to its end: the same exam, the sentence, stored numbers, and an attempt of the exam opened. */
export async function endStory(page: Page, problems: readonly string[], picture: string): Promise<void> {
  const sentence = page.getByTestId('story-sentence')
  await sentence.waitFor({ timeout: 560_000 })
  expect(await sentence.innerText()).toMatch(/^Passed \d+ of \d+ → \d+ of \d+; [+−±]?\d+ points? \[.+\]; calls/)
  for (const chart of ['chart-reward', 'chart-kl', 'chart-loss'])
    expect(await page.getByTestId(chart).locator('svg path.recharts-curve').count(), chart).toBeGreaterThan(0)
  for (const which of ['before', 'after']) expect(await page.getByTestId(`rate-${which}`).innerText()).toMatch(/^\d+ of \d+$/)
  const cells = page.getByTestId('exam-after').getByRole('button')
  expect(await cells.count()).toBeGreaterThan(20)

  const [run] = runs.parse(await storedRecords(page, 'runs')).filter(({ kind }) => kind === 'story')
  expect(run?.status).toBe('finished')
  expect(run?.steps_done).toBeGreaterThanOrEqual(2)
  expect(run?.adapter_sha256?.after).toMatch(/^[0-9a-f]{64}$/)
  expect(run?.adapter_sha256?.after).not.toBe(run?.adapter_sha256?.before)
  const gradNorms = gradNormsOf(await storedRecords(page, 'metrics'))
  expect(gradNorms.length).toBeGreaterThanOrEqual(2)
  for (const norm of gradNorms) expect(norm).toBeGreaterThan(0)
  const proof = await page.getByTestId('change-proof').innerText()
  expect(Number(/([\d.]+) nats/.exec(proof)?.[1])).toBeGreaterThan(0)
  expect(Number(/([\d,]+) dispatches/.exec(proof)?.[1]?.replaceAll(',', ''))).toBeGreaterThan(0)

  // A trajectory, step by step.
  // As tall as the story: a full-page picture would be taken while the charts still measure themselves.
  await page.keyboard.press('Escape')
  await page.setViewportSize({ width: 1360, height: 1560 })
  await settled(page)
  expect(await page.getByTestId('chart-reward').locator('svg path.recharts-curve').count()).toBeGreaterThan(0)
  await page.screenshot({ path: screenshotPath(picture) })
  expect(await axeViolations(page)).toEqual([])
  await cells.first().click()
  const drawer = page.getByTestId('cell-drawer').getByRole('dialog')
  await drawer.waitFor()
  // Its two attempts are read from storage.
  await drawer
    .getByText(/step 1/i)
    .first()
    .waitFor()
  expect(problems).toEqual([])
}
