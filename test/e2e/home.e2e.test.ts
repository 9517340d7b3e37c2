/** Home: every link and button does what it says; an evaluation is no run; a story that a reload interrupted goes on. */
import type { Page } from 'playwright'
import { expect, it } from 'vitest'
import { openApp } from '../support/app'
import { looksRight } from '../support/looks'

const WAIT = { timeout: 120_000 }
const viewport = { width: 1360, height: 900 }

/** What a person would see change: the address, what is open, what is pressed, the colours, the first heading, the status. */
const seen = (page: Page): Promise<string> =>
  page.evaluate(() =>
    JSON.stringify([
      location.hash,
      document.documentElement.dataset.mantineColorScheme,
      document.querySelector('h1')?.textContent,
      document.querySelectorAll('[role="dialog"]:not([style*="display: none"])').length,
      [...document.querySelectorAll('[aria-expanded], [aria-pressed]')].map((one) => [
        one.getAttribute('aria-expanded'),
        one.getAttribute('aria-pressed'),
      ]),
      document.activeElement?.tagName === 'INPUT',
      document.querySelector('main')?.textContent.length,
    ]),
  )

async function openHome(page: Page, url: string): Promise<void> {
  await page.goto(`${url}/#/settings`)
  await page.goto(`${url}/#/`)
  await page.getByRole('heading', { name: 'Train a tool-using language model in this tab.' }).waitFor(WAIT)
  await expect.poll(() => page.getByTestId('start-button').innerText(), WAIT).not.toContain('looking for a GPU')
}

it('every link and button of Home leads somewhere, and where it says', async () => {
  const { page, url, problems } = await openApp('#/models', { viewport })
  // A model's Evaluate opens the form with the model in it, and the benchmark's own call budget.
  await page.getByTestId('model-card').first().getByRole('link', { name: 'Evaluate' }).click(WAIT)
  const dialog = page.getByRole('dialog', { name: 'New evaluation' })
  expect(await dialog.getByLabel('Model', { exact: true }).inputValue()).toBe('Starter model')
  expect(await dialog.getByLabel('Call budget').getAttribute('placeholder')).toBe('6')
  await dialog.getByLabel('Questions').fill('3')
  await dialog.getByRole('button', { name: 'Evaluate' }).click()
  await page.getByTestId('leaderboard-row').waitFor(WAIT)
  await expect.poll(() => page.getByTestId('job-pill').innerText(), WAIT).toContain('Idle')

  // It trained nothing: neither Home nor Train lists it as a run.
  await openHome(page, url)
  await page.getByText('No runs yet.').waitFor(WAIT)
  await page.goto(`${url}/#/train`)
  await page.getByText('No runs yet.').waitFor(WAIT)

  await page.goto(`${url}/#/evaluate?tab=published`)
  await page.getByTestId('published').waitFor(WAIT)
  await looksRight(page, 'published', { fullPage: true })

  // A story that is interrupted by a reload can go on, and is among the recent runs.
  await openHome(page, url)
  await page.getByTestId('start-button').click()
  await page.getByTestId('exam-before').waitFor(WAIT)
  await expect.poll(() => page.getByTestId('job-pill').innerText(), WAIT).not.toContain('Idle')
  await page.reload()
  const goOn = page.getByRole('button', { name: /^(Start again|Resume after step \d+|Start a new story)$/ })
  await goOn.waitFor(WAIT)
  expect(await goOn.isEnabled()).toBe(true)
  await looksRight(page, 'story-interrupted', { fullPage: false })

  await openHome(page, url)
  await page.getByRole('table', { name: 'Runs' }).getByRole('link').first().waitFor(WAIT)
  const names: string[] = []
  const controls = page.locator('a[href]:visible, button:visible')
  const count = await controls.count()
  expect(count).toBeGreaterThan(15)
  for (let at = 0; at < count; at += 1) {
    await openHome(page, url)
    await page.getByRole('table', { name: 'Runs' }).getByRole('link').first().waitFor(WAIT)
    const control = controls.nth(at)
    const name = ((await control.innerText()) || (await control.getAttribute('aria-label')) || '').replaceAll(/\s+/g, ' ').trim()
    names.push(name)
    // Home, and what skips to its content, lead to where one is; the story was started above.
    if (/^(Home|Hone.*|Skip.*)$/.test(name) || (await control.getAttribute('data-testid')) === 'start-button') continue
    const before = await seen(page)
    await control.click()
    await expect.poll(async () => [name, (await seen(page)) !== before], WAIT).toEqual([name, true])
    await page.waitForTimeout(300)
    expect([name, await page.getByText(/cannot be shown|could not be read|Nothing is here|No such page/).count()]).toEqual([name, 0])
    if (name.startsWith('Read a published result')) {
      await page.getByRole('table', { name: 'Published pass rates' }).waitFor(WAIT)
      expect(await page.getByRole('table', { name: 'Published pass rates' }).getByRole('row').count()).toBe(37)
    }
    if (name === 'Watch a recorded run') {
      await page.getByRole('heading', { level: 1 }).waitFor(WAIT)
      await page.reload()
    }
    await page.keyboard.press('Escape')
  }
  for (const wanted of ['Use my model', 'Open my CSV', 'Read a published result', 'Watch a recorded run', 'All runs'])
    expect(
      names.some((name) => name.startsWith(wanted)),
      wanted,
    ).toBe(true)
  expect(problems).toEqual([])
  await page.context().close()
}, 600_000)
