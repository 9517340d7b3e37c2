/** Finds a Chrome or Chromium for browser tests and browser benches. */
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'

const NAMES = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome', 'google-chrome-beta']
const PLACES = [
  '/usr/bin/chromium',
  '/opt/google/chrome/chrome',
  '/snap/bin/chromium',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
  'C:\\Program Files (x86)\\Google\\Chrome\\Application\\chrome.exe',
]

/** WebGPU on SwiftShader, nothing phoning home. */
export const chromeFlags: readonly string[] = [
  '--no-sandbox',
  '--enable-unsafe-webgpu',
  '--enable-features=Vulkan',
  '--use-webgpu-adapter=swiftshader',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--no-first-run',
  '--disable-quic',
]

/** `HONE_CHROMIUM` wins; then the search path; then the usual places. Null when there is none. */
export function findChrome(env: NodeJS.ProcessEnv = process.env): string | null {
  if (env.HONE_CHROMIUM !== undefined && env.HONE_CHROMIUM !== '') {
    if (isExecutable(env.HONE_CHROMIUM)) return env.HONE_CHROMIUM
    throw new Error(`HONE_CHROMIUM points at ${env.HONE_CHROMIUM}, which is not a program.`)
  }
  const onPath = (env.PATH ?? '')
    .split(delimiter)
    .flatMap((directory) => (directory === '' ? [] : NAMES.map((name) => join(directory, name))))
  return [...onPath, ...PLACES].find(isExecutable) ?? null
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
