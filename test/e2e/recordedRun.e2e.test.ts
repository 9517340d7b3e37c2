/** A browser without WebGPU: it says why it cannot train and what to do, opens the recorded run, labels a step and reads the rates. */
import { expect, it } from 'vitest'
import { openApp } from '../support/app'
import { axeViolations } from '../support/axe'

it('without WebGPU the recorded run opens, a step is labelled, and the rates are read', async () => {
  const { page, problems } = await openApp('', { webgpu: false, viewport: { width: 1360, height: 900 } })
  const why = page.getByTestId('no-gpu')
  await why.waitFor({ timeout: 60_000 })
  expect(await why.innerText()).toMatch(/Training needs WebGPU[\s\S]*(flag|browser|acceleration)/)
  expect(await page.getByTestId('start-button').isDisabled()).toBe(true)

  // The rates, with their intervals, and the difference between the two exams.
  await page.getByTestId('watch-recorded').first().click()
  await page.getByTestId('story-sentence').waitFor({ timeout: 60_000 })
  expect(await page.getByTestId('story-sentence').innerText()).toMatch(/^Passed \d+ of \d+ → \d+ of \d+; .*\[.+\]/)
  for (const which of ['before', 'after']) {
    expect(await page.getByTestId(`rate-${which}`).innerText()).toMatch(/^\d+ of \d+$/)
    expect(await page.getByTestId(`exam-${which}`).getByRole('button').count()).toBeGreaterThan(20)
  }
  for (const chart of ['chart-reward', 'chart-kl', 'chart-loss']) {
    // A chart is drawn when it comes into view.
    await page.getByTestId(chart).scrollIntoViewIfNeeded()
    await expect
      .poll(() => page.getByTestId(chart).locator('svg path.recharts-curve').count(), { timeout: 20_000, message: chart })
      .toBeGreaterThan(0)
  }
  expect(await axeViolations(page)).toEqual([])

  // A label, kept while the page is open, and what it does to the advantages.
  await page.getByRole('link', { name: 'Label', exact: true }).first().click()
  await page.getByTestId('step-card').first().waitFor({ timeout: 60_000 })
  const resolved = page.getByTestId('resolved-reward')
  const before = await resolved.innerText()
  await page.getByTestId('reward-input').fill('0.35')
  await page.getByTestId('reward-input').press('Enter')
  await expect.poll(() => resolved.innerText(), { timeout: 20_000 }).toMatch(/^0\.35/)
  expect(before).not.toMatch(/^0\.35/)

  // Training is refused with the reason, not with an error.
  await page.getByRole('link', { name: 'Train', exact: true }).first().click()
  await page
    .getByText(/recorded run/i)
    .first()
    .waitFor({ timeout: 20_000 })
  await page.getByRole('link', { name: 'Evaluate', exact: true }).first().click()
  await expect.poll(() => page.locator('main').innerText(), { timeout: 20_000 }).toMatch(/\d+ of \d+/)
  expect(problems).toEqual([])
  await page.context().close()
}, 180_000)
