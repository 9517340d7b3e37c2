/** The built site and a real browser, for the end-to-end tests: `const { page, url } = await openApp()`. `npm test` has built dist/. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { chromium, type Browser, type Page } from 'playwright'
import { afterAll } from 'vitest'
import { chromeFlags, findChrome } from '../../src/cli/node/chrome'
import { createGateway } from '../../src/gateway/app'
import { listen, type RunningGateway } from '../../src/gateway/listen'
import { projectRoot } from './sources'

export interface OpenApp {
  readonly page: Page
  /** Of the site, without a slash at the end. */
  readonly url: string
  /** Page errors, console errors, refused requests and broken policies so far. */
  readonly problems: readonly string[]
}

/** Of the gateway that serves the page in tests. */
export const GATEWAY_TOKEN = 'token-of-the-test-gateway-0123456789'

let site: Promise<RunningGateway> | null = null
const browsers = new Map<boolean, Promise<Browser>>()

/** Serves dist/ as `npm start` does, on a free port. */
function startSite(): Promise<RunningGateway> {
  const siteDirectory = join(projectRoot, 'dist')
  if (!existsSync(join(siteDirectory, 'index.html')))
    throw new Error('dist/ is not built: run `npm run build` first, or the tests with `npm test`.')
  return listen(createGateway({ token: GATEWAY_TOKEN, siteDirectory, upstream: null, wandb: null, allowedOrigins: [], fetch, sleep }), 0)
}

/** Without WebGPU: a Chrome as most people have it on a machine whose GPU it does not trust. */
function launchChrome(hasWebgpu: boolean): Promise<Browser> {
  const executablePath = findChrome()
  if (executablePath === null) throw new Error('No Chrome or Chromium was found; `npm test` says how to install one.')
  return chromium.launch({ executablePath, args: chromeFlags.filter((flag) => hasWebgpu || !/webgpu|Vulkan/.test(flag)), headless: true })
}

export type AppOptions = NonNullable<Parameters<Browser['newContext']>[0]> & {
  /** Default true: WebGPU on SwiftShader. */
  readonly webgpu?: boolean
  /** Another address than the gateway's: the same dist/ on another server. */
  readonly at?: string
}

/** A fresh profile each time: nothing stored by one test reaches the next. */
export async function openApp(hash = '', { webgpu = true, at, ...options }: AppOptions = {}): Promise<OpenApp> {
  const url = at ?? (await (site ??= startSite())).url
  const browser = browsers.get(webgpu) ?? launchChrome(webgpu)
  browsers.set(webgpu, browser)
  const context = await (await browser).newContext(options)
  const page = await context.newPage()
  const problems: string[] = []
  page.on('pageerror', (error) => problems.push(`page error: ${error.message}`))
  page.on('console', (message) => {
    if (message.type() === 'error') problems.push(`console: ${message.text()}`)
  })
  page.on('response', (response) => {
    if (response.status() >= 400) problems.push(`${response.status()} for ${response.url()}`)
  })
  page.on('request', (request) => {
    if (!request.url().startsWith(url) && /^https?:/.test(request.url())) problems.push(`asked ${request.url()}`)
  })
  await page.goto(`${url}/${hash}`)
  return { page, url, problems }
}

afterAll(async () => {
  for (const browser of browsers.values()) await (await browser).close()
  await (await site)?.close()
})
