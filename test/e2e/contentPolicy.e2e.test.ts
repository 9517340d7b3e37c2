/** What page and worker may load, on Hone's own server and on a bare static one; and what a page of another origin gets of Hone: nothing. */
import { readdirSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { join } from 'node:path'
import type { Page, Worker } from 'playwright'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openApp, type OpenApp } from '../support/app'
import { projectRoot } from '../support/sources'
import { serveStatically } from '../support/staticServer'

let bare: { readonly url: string; readonly server: Server }
/** Another origin, which counts what it is asked. */
const elsewhere = { url: '', asked: [] as string[] }
const other = createServer((request, response) => {
  elsewhere.asked.push(request.url ?? '')
  response
    .writeHead(200, { 'content-type': 'text/html', 'access-control-allow-origin': '*' })
    .end('<!doctype html><title>elsewhere</title>')
})
beforeAll(async () => {
  bare = await serveStatically('/a/b')
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
  const address = other.address()
  elsewhere.url = `http://localhost:${typeof address === 'object' ? (address?.port ?? 0) : 0}`
})
afterAll(() => {
  bare.server.close()
  other.close()
})

const start = async (server: string): Promise<{ page: Page; worker: Worker; app: OpenApp }> => {
  const app = await openApp('', server === 'a bare static server' ? { at: bare.url } : {})
  await app.page.getByRole('heading', { level: 1 }).waitFor({ timeout: 60_000 })
  await expect.poll(() => app.page.workers().length, { timeout: 20_000 }).toBe(1)
  const [worker] = app.page.workers()
  if (!worker) throw new Error('no worker')
  return { page: app.page, worker, app }
}

/** As text, because the test runner rewrites imports; in a timer, because what a debugger evaluates itself is exempt from the policy. */
const later = (work: string): string => `new Promise((resolve) => setTimeout(() => { ${work} }))`
const attempts = {
  eval: later("try { resolve('ran ' + (0, eval)('1')) } catch (error) { resolve(String(error)) }"),
  data: later("import('data:text/javascript,export default 1').then(() => resolve('ran'), (error) => resolve(String(error)))"),
  fetch: later(
    "addEventListener('securitypolicyviolation', (event) => resolve(event.violatedDirective)); fetch('http://model.test/').then(() => resolve('ran'), () => setTimeout(() => resolve('failed, but was not refused'), 500))",
  ),
} as const

describe.each(['Hone’s server', 'a bare static server'])('on %s', (server) => {
  it('the worker runs no text as code, imports no data, and asks no server the page may not ask', async () => {
    const { worker, page, app } = await start(server)
    expect(await worker.evaluate(attempts.eval)).toMatch(/^(EvalError|TypeError)/)
    expect(await worker.evaluate(attempts.data)).toMatch(/^TypeError/)
    expect(await worker.evaluate(attempts.fetch)).toBe('connect-src')
    // And it does its work all the same.
    await page.goto(`${app.url}/#/models`)
    await page
      .getByText(/starter/i)
      .first()
      .waitFor({ timeout: 60_000 })
    await page.context().close()
  })

  it('the page shows no images, frames, forms or bases of elsewhere', async () => {
    const { page } = await start(server)
    elsewhere.asked.length = 0
    const violated = await page.evaluate(async (url) => {
      const seen = new Set<string>()
      addEventListener('securitypolicyviolation', (event) => seen.add(event.effectiveDirective))
      const add = (name: string, set: (element: never) => void): void => {
        const element = document.createElement(name)
        set(element as never)
        document.body.append(element)
        if (element instanceof HTMLFormElement) element.submit()
      }
      add('img', (element: HTMLImageElement) => (element.src = `${url}/image?secret`))
      add('iframe', (element: HTMLIFrameElement) => (element.src = `${url}/frame`))
      add('form', (element: HTMLFormElement) => {
        element.method = 'post'
        element.action = `${url}/form`
      })
      add('base', (element: HTMLBaseElement) => (element.href = `${url}/base/`))
      add('video', (element: HTMLVideoElement) => (element.src = `${url}/video`))
      await new Promise((resolve) => setTimeout(resolve, 1500))
      return [...seen].sort()
    }, elsewhere.url)
    expect(violated).toEqual(['base-uri', 'form-action', 'frame-src', 'img-src', 'media-src'])
    expect(await page.evaluate(() => document.baseURI)).not.toContain('/base/')
    expect(elsewhere.asked).toEqual([])
    await page.context().close()
  })
})

describe('a page of another origin', () => {
  it('reads nothing of Hone and frames nothing', async () => {
    const { app, page: home } = await start('Hone’s server')
    const script = await home.evaluate(() => document.querySelector('script[src]')?.getAttribute('src') ?? '')
    const page = await home.context().newPage()
    await page.goto(elsewhere.url)
    const paths = ['/', `/${script.replace(/^\.?\//, '')}`, '/starter/config.json', '/gateway/v1/health', '/gateway/v1/models']
    const read = await page.evaluate(
      async ([url, places]) => {
        const got: string[] = []
        for (const path of places) {
          for (const mode of ['cors', 'no-cors'] as const) {
            const response = await fetch(url + path, { mode }).catch(() => null)
            if (response) got.push(`${mode} ${path}: ${await response.text()}`)
          }
          const runs = await new Promise((resolve) => {
            const element = document.createElement('script')
            element.src = url + path
            element.onload = () => {
              resolve(true)
            }
            element.onerror = () => {
              resolve(false)
            }
            document.body.append(element)
          })
          if (runs === true) got.push(`script ${path}`)
        }
        return got
      },
      [app.url, paths] as const,
    )
    expect(read).toEqual([])

    for (const path of paths) {
      await page.evaluate((src) => {
        const frame = document.createElement('iframe')
        frame.src = src
        document.body.append(frame)
      }, app.url + path)
    }
    await page.waitForTimeout(2000)
    const shown = await Promise.all(
      page
        .frames()
        .slice(1)
        .map(async (frame) => (frame.url().startsWith('chrome-error:') ? '' : frame.url() + (await frame.content()))),
    )
    expect(shown.join('')).toBe('')

    // A window it opens is out of its reach.
    const opened = await page.evaluate(async (url) => {
      const popup = open(url)
      await new Promise((resolve) => setTimeout(resolve, 2000))
      return popup === null || popup.closed
    }, app.url)
    expect(opened).toBe(true)
    await page.context().close()
  })

  it('every file of Hone’s server says its policy in a header, worker scripts too', async () => {
    const { app, page } = await start('Hone’s server')
    const worker = readdirSync(join(projectRoot, 'dist/assets')).find((name) => name.startsWith('engine.worker'))
    for (const address of [app.url, `${app.url}/assets/${worker ?? 'none'}`]) {
      const response = await fetch(address)
      expect(response.status).toBe(200)
      expect(response.headers.get('content-security-policy')).toMatch(
        /^default-src 'none'; script-src 'self' .*frame-ancestors 'none'.*require-trusted-types-for/,
      )
      expect(response.headers.get('cross-origin-resource-policy')).toBe('same-origin')
    }
    await page.context().close()
  })
})
