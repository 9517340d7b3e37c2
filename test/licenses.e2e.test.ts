/** What is built carries the licence of everything in it: of each package that the sources of the page, its workers and the command line use. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { projectRoot, readSources } from './support/sources'

const sources = new Map(readSources('src').map((source) => [source.path, source]))

/** Packages imported by the files that these entries lead to, and by what those lead to; types leave nothing behind. */
function packagesFrom(entries: readonly string[]): string[] {
  const [seen, packages, open] = [new Set<string>(), new Set<string>(), [...entries]]
  for (let path = open.pop(); path !== undefined; path = open.pop()) {
    if (seen.has(path)) continue
    seen.add(path)
    for (const { specifier, target, kind } of sources.get(path)?.imports ?? []) {
      if (kind === 'type') continue
      if (target !== null) open.push(target)
      else if (!/^(node:|\.)/.test(specifier)) packages.add(/^(@[^/]+\/)?[^/]+/.exec(specifier)?.[0] ?? specifier)
    }
  }
  return [...packages].sort()
}

test.each([
  ['dist', ['ui/main.tsx', 'worker/engine.worker.ts'], ['comlink', 'idb', 'react', '@mantine/core', 'zod', 'yaml']],
  ['dist-cli', ['cli/main.ts'], ['hono', 'zod', 'yaml']],
] as const)('%s/licenses.md names every package', (folder, entries, some) => {
  const text = readFileSync(join(projectRoot, folder, 'licenses.md'), 'utf8')
  const sections = text.split(/^## /m).slice(1)
  const named = sections.map((section) => section.split(' ')[0] ?? '')
  // webgpu stays a package of its own beside the command line.
  const used = packagesFrom(entries).filter((name) => name !== 'webgpu')
  expect(used).toEqual(expect.arrayContaining([...some]))
  expect(used.filter((name) => !named.includes(name))).toEqual([])
  for (const section of sections) expect(section.split('\n\n').slice(1).join('').length, section.slice(0, 60)).toBeGreaterThan(60)
  expect(sections[0]).toContain('Apache License')
})
