/** Imports in the page: a file is read in a worker of its own; a page that is reloaded meanwhile leaves nothing that nobody can see, and says what was removed. */
import { expect, it } from 'vitest'
import { sampleCsv } from '../../src/data/sampleCsv'
import { openApp } from '../support/app'
import { looksRight } from '../support/looks'
import { serveStatically } from '../support/staticServer'
import { storedRecords } from '../support/stored'

const WAIT = { timeout: 60_000 }

function manyRows(count: number): Buffer {
  const [head = '', ...rows] = sampleCsv().trimEnd().split('\n')
  return Buffer.from(`${[head, ...Array.from({ length: count }, (_, index) => rows[index % rows.length])].join('\n')}\n`)
}

it('a reload while a file is stored leaves nothing behind, an import can be stopped, and the rest of the page answers', async () => {
  const { page, url, problems } = await openApp('#/data', { viewport: { width: 1360, height: 900 } })
  await page.getByTestId('drop-zone').waitFor(WAIT)
  const many = { name: 'many.csv', mimeType: 'text/csv', buffer: manyRows(6000) }
  const stored = async (): Promise<number> => (await storedRecords(page, 'trajectories')).length

  await page.getByTestId('file-input').setInputFiles(many)
  await page.getByText(/Storing [\d,]+ of 6,000/).waitFor(WAIT)
  await looksRight(page, 'import-progress', { fullPage: false })
  await page.reload()
  await page.getByTestId('drop-zone').waitFor(WAIT)
  await expect.poll(stored, WAIT).toBe(0)
  expect(await page.getByTestId('dataset-card').count()).toBe(0)
  await page.goto(`${url}/#/settings?tab=storage`)
  await page.getByTestId('removed-import').waitFor(WAIT)
  expect(await page.getByTestId('removed-import').innerText()).toMatch(/The import of many\.csv was interrupted/)
  await looksRight(page, 'removed-import', { fullPage: false })

  await page.goto(`${url}/#/data`)
  await page.getByTestId('file-input').setInputFiles(many)
  await page.getByText(/Storing [\d,]+ of 6,000/).waitFor(WAIT)
  // The worker answers other questions meanwhile.
  const asked = Date.now()
  await page.getByRole('button', { name: 'Stop' }).click()
  await page.getByTestId('import-error').waitFor(WAIT)
  expect(Date.now() - asked).toBeLessThan(10_000)
  expect(await page.getByTestId('import-error').innerText()).toMatch(/The import was stopped, and nothing of it is stored/)
  expect(await stored()).toBe(0)
  expect(problems).toEqual([])
  await page.context().close()
}, 300_000)

/** In the studio's worker, as text because the test runner rewrites code: writes down which workers it starts and ends. */
const watchWorkers = `(() => {
  const watched = (globalThis.watchedWorkers = [])
  globalThis.Worker = class extends Worker {
    constructor(script, options) {
      super(script, options)
      this.end = () => watched.push(options.name + ' ended')
      watched.push(options.name + ' started')
    }
    terminate() {
      this.end()
      super.terminate()
    }
  }
})()`

it.each(['Hone’s server', 'a bare static server'])(
  'on %s a file is read in a worker of its own, which ends with the import',
  async (server) => {
    const bare = server === 'a bare static server' ? await serveStatically('/a/b') : null
    const { page, problems } = await openApp('#/data', bare ? { at: bare.url } : {})
    await page.getByTestId('drop-zone').waitFor(WAIT)
    const [engine] = page.workers()
    if (!engine) throw new Error('no worker')
    await engine.evaluate(watchWorkers)
    await page.getByTestId('file-input').setInputFiles({ name: 'many.csv', mimeType: 'text/csv', buffer: manyRows(500) })
    await page.getByTestId('dataset-card').waitFor(WAIT)
    expect(await engine.evaluate('globalThis.watchedWorkers')).toEqual(['hone-data started', 'hone-data ended'])
    expect((await storedRecords(page, 'trajectories')).length).toBe(500)
    expect(problems).toEqual([])
    await page.context().close()
    bare?.server.close()
  },
  120_000,
)
