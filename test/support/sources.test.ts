/** The reader behind the architecture test: if it saw nothing, that test would pass on anything. */
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { readSources, type Source } from './sources'

function read(files: Readonly<Record<string, string>>): Source {
  const folder = mkdtempSync(join(tmpdir(), 'hone-sources-'))
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), text)
  }
  const source = readSources(folder).find(({ path }) => path === 'a/main.ts')
  if (source === undefined) throw new Error('a/main.ts was not read')
  return source
}

test('every way to import is seen', () => {
  const { imports, missing } = read({
    'b/x.ts': '',
    'a/main.ts': `import { a } from '../b/x'
      import type { B } from '../b/x'
      export * from '../b/x.ts'
      const lazy = import('../b/x')
      const worker = new Worker(new URL('../b/x.ts', import.meta.url), { type: 'module' })
      let t: import('../b/x').T
      import z from 'zod'
      import '../b/gone'`,
  })
  expect(imports.map(({ kind, target }) => `${kind} ${target ?? 'package'}`)).toEqual([
    ...[
      'static b/x.ts',
      'type b/x.ts',
      'static b/x.ts',
      'dynamic b/x.ts',
      'worker b/x.ts',
      'type b/x.ts',
      'static package',
      'static package',
    ],
  ])
  expect(missing).toEqual(['../b/gone'])
})

test('globals are seen, and names that only look like them are not', () => {
  const globalsOf = (text: string): string[] => read({ 'a/main.ts': text }).globals.map(({ name }) => name)
  const watched = (text: string): string[] =>
    globalsOf(text).filter((name) => ['process', 'window', 'document'].includes(name) || name.includes('('))
  expect(watched('const x = process.env.A; document.title = "a"')).toEqual(['process', 'document'])
  expect(watched('Math.random(); Date.now(); new Date(); fetch("/")')).toEqual(['Math.random()', 'Date.now()', 'Date()', 'fetch()'])
  expect(watched('new Date(0); parts.fetch("/"); a.window; const b = { document: 1 }')).toEqual([])
  expect(watched('function slide(window: number) { return window } interface W { process: 1 }')).toEqual([])
  expect(watched('export const run = (fetch: typeof globalThis.fetch) => fetch("/")')).toEqual([])
})
