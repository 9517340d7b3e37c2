/** What the project as a whole promises: small, self-contained, and telling nothing about the machines it was made on. */
import { spawnSync } from 'node:child_process'
import { readFileSync, statSync } from 'node:fs'
import { join, relative } from 'node:path'
import { expect, test } from 'vitest'
import { PAGE_POLICY } from '../src/gateway/contentPolicy'
import { filesUnder, projectRoot } from './support/sources'

const MEGABYTE = 1e6
const read = (path: string): string => readFileSync(join(projectRoot, path), 'utf8')
const bytesOf = (path: string): number => statSync(join(projectRoot, path)).size
const isText = (path: string): boolean => !/\.(safetensors|bin|png|jpg|webp|ico|woff2|npz|npy|zip)$/.test(path)
const lineCount = (path: string): number => read(path).split('\n').length - 1

/** What a clone would hold: tracked files and those about to be. */
function projectFiles(): string[] {
  const git = spawnSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], { cwd: projectRoot, encoding: 'utf8' })
  const listed = git.status === 0 ? git.stdout.split('\n').filter((path) => path !== '') : []
  const present = new Set(
    filesUnder(projectRoot, (name) => !['node_modules', '.git', 'dist', 'dist-cli', '.cache'].includes(name)).map((path) =>
      relative(projectRoot, path).replaceAll('\\', '/'),
    ),
  )
  return listed.length > 0 ? listed.filter((path) => present.has(path)) : [...present]
}
const files = projectFiles()
const inPublic = files.filter((path) => path.startsWith('public/'))

test('public/ stays under 12 MB', () => {
  expect(inPublic.reduce((sum, path) => sum + bytesOf(path), 0)).toBeLessThan(12 * MEGABYTE)
})

test('public/ has no .gz names: servers disagree on what they mean', () => {
  expect(inPublic.filter((path) => path.endsWith('.gz'))).toEqual([])
})

test('files say nothing about the machines they were made on', () => {
  // Spelt in parts, so that this file passes its own test.
  const words = [
    ['/wo', 'rk/'],
    ['/ro', 'ot/'],
    ['/ho', 'me/'],
    ['/Us', 'ers/'],
    ['/tm', 'p/setup'],
    ['.inter', 'nal:'],
    // Private addresses.
    ['\\b(10\\.\\d+|192\\.168|172\\.(1[6-9]|2\\d|3[01]))', '\\.\\d+\\.\\d+\\b'],
  ].map((parts) => new RegExp(parts.join('')))
  const found = files
    .filter((path) => isText(path) && bytesOf(path) < 4 * MEGABYTE && !path.startsWith('test/fixtures/'))
    .flatMap((path) => {
      const text = read(path)
      return words.flatMap((word) => {
        const match = word.exec(text)
        return match === null ? [] : [`${path}: ${match[0]}`]
      })
    })
  expect(found).toEqual([])
})

test('the lock file names versions, not download addresses', () => {
  expect(read('package-lock.json')).not.toContain('"resolved"')
})

test('the page carries its content security policy and loads nothing from elsewhere', () => {
  const page = read('index.html')
  const policy = /http-equiv="Content-Security-Policy"\s+content="([^"]+)"/.exec(page)?.[1] ?? ''
  // The gateway says the same in a header.
  expect(policy).toBe(PAGE_POLICY)
  for (const rule of [
    "default-src 'none'",
    "script-src 'self' 'wasm-unsafe-eval'",
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data:",
  ])
    expect(policy.split('; ')).toContain(rule)
  for (const closed of ['frame-src', 'object-src', 'form-action', 'base-uri']) expect(policy.split('; ')).toContain(`${closed} 'none'`)
  expect(policy).toContain("connect-src 'self' https: http://localhost:* http://127.0.0.1:*")
  expect(page).not.toMatch(/(src|href)="(https?:)?\/\//)
  expect(page).not.toMatch(/<script(?![^>]*\bsrc=)[^>]*>/)
})

test('no file is longer than 400 lines', () => {
  const code = files.filter((path) => /^(src|test|shaders)\/.*\.(ts|tsx|js|wgsl)$/.test(path))
  expect(code.filter((path) => lineCount(path) > 400).map((path) => `${path}: ${lineCount(path)}`)).toEqual([])
  expect(lineCount('src/README.md')).toBeLessThanOrEqual(150)
})

test('every command the documents name exists', () => {
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> }
  const documents = files.filter((path) => path.endsWith('README.md'))
  const unknown = documents.flatMap((path) =>
    [...read(path).matchAll(/npm run (?:-s )?([a-z][a-z0-9:]*)/g)].flatMap(([, name = '']) =>
      name in scripts ? [] : [`${path}: ${name}`],
    ),
  )
  expect(unknown).toEqual([])
})
