/** A page that has only the Python sandbox and the worlds over it, built and served as the site is, in Chromium. */
import { mkdtempSync, readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { extname, join } from 'node:path'
import { chromium, type Browser, type Page } from 'playwright'
import { build } from 'vite'
import { findChrome } from '../../src/cli/node/chrome'
import { PAGE_POLICY } from '../../src/gateway/contentPolicy'
import { projectRoot } from './sources'

export interface OpenPythonPage {
  readonly page: Page
  /** Addresses that the page and its workers asked for. */
  readonly asked: readonly string[]
  close(): Promise<void>
}

const types: Readonly<Record<string, string>> = { '.html': 'text/html', '.js': 'text/javascript', '.wasm': 'application/wasm' }

/** @param files served beside the page, by their paths, from files of this computer. */
export async function openPythonPage(files: Readonly<Record<string, string>> = {}): Promise<OpenPythonPage> {
  const outDir = mkdtempSync(join(tmpdir(), 'hone-python-page-'))
  const assetFileNames = ({ names }: { readonly names: readonly string[] }): string =>
    names.some((name) => name.endsWith('.mjs')) ? 'assets/[name]-[hash].js' : 'assets/[name]-[hash][extname]'
  const output = { output: { assetFileNames } }
  await build({
    ...{ configFile: false, root: join(projectRoot, 'test/support/pythonPage'), base: './', logLevel: 'error' },
    plugins: [{ name: 'page-policy', transformIndexHtml: (html) => html.replace('%PAGE_POLICY%', PAGE_POLICY) }],
    worker: { format: 'es', rolldownOptions: output },
    build: { target: 'es2023', outDir, emptyOutDir: true, minify: false, rolldownOptions: output },
  })
  const { server, url } = await serve(outDir, files)
  const executablePath = findChrome()
  if (executablePath === null) throw new Error('No Chrome or Chromium was found; `npm test` says how to install one.')
  const browser: Browser = await chromium.launch({ executablePath, headless: true })
  const page = await browser.newPage()
  const asked: string[] = []
  page.on('request', (request) => asked.push(request.url()))
  await page.goto(url)
  await page.waitForFunction('globalThis.pythonPage !== undefined')
  return {
    page,
    asked,
    async close() {
      await browser.close()
      server.close()
    },
  }
}

async function serve(folder: string, files: Readonly<Record<string, string>>): Promise<{ readonly server: Server; readonly url: string }> {
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? '/', 'http://localhost').pathname.slice(1) || 'index.html'
    try {
      const bytes = readFileSync(files[path] ?? join(folder, path))
      response.writeHead(200, { 'content-type': types[extname(path)] ?? 'application/octet-stream' }).end(bytes)
    } catch {
      response.writeHead(404).end()
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  return { server, url: `http://127.0.0.1:${typeof address === 'object' ? (address?.port ?? 0) : 0}/` }
}
