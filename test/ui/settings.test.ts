import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { toolSpec } from '../../src/records/trajectory'
import { licences } from '../../src/ui/settings/licences'
import { limitRows, storageRows } from '../../src/ui/settings/storageRows'
import { readArguments, toolGroups } from '../../src/ui/tools/toolCatalogue'

const readJson = (path: string): unknown => JSON.parse(readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8'))

test('the about page names every dependency with the version and licence that is installed', () => {
  const { dependencies } = readJson('package.json') as { dependencies: Record<string, string> }
  const installed = Object.keys(dependencies)
    .sort()
    .map((name) => {
      const { version, license } = readJson(`node_modules/${name}/package.json`) as { version: string; license: string }
      return { name, version, licence: license }
    })
  expect(licences).toEqual(installed)
})

test('storage items are the largest first; only files and runs may be deleted', () => {
  const rows = storageRows(
    [
      { name: 'a.csv', bytes: 10, kind: 'dataset' },
      { name: 'run-1', bytes: 90, kind: 'checkpoint' },
      { name: 'starter', bytes: 50, kind: 'model' },
    ],
    [{ dataset_id: 'd1', name: 'a.csv', created_at: '2020-01-01T10:00:00Z' }],
    [{ run_id: 'run-1', title: 'Story', created_at: '2020-01-01T10:00:00Z' }],
  )
  // They go by the names people gave them.
  expect(rows.map((row) => row.title)).toEqual(['Story', 'starter', 'a.csv'])
  expect(rows.map((row) => [row.name, row.remove?.id ?? null])).toEqual([
    ['run-1', 'run-1'],
    ['starter', null],
    ['a.csv', 'd1'],
  ])
  expect(rows[0]?.share).toBeCloseTo(0.6, 12)
  expect(limitRows({ zeta: 1, maxBufferSize: 2, alpha: 3 }).map(([name]) => name)).toEqual(['maxBufferSize', 'alpha', 'zeta'])
})

const tool = toolSpec.parse({
  name: 'rate_between',
  category: 'money',
  description: 'Exchange rate',
  parameters: [
    { name: 'from', type: 'string' },
    { name: 'days', type: 'integer', required: false },
    { name: 'exact', type: 'boolean', required: false },
    { name: 'tags', type: 'array', required: false },
  ],
})

test('arguments are read by type, and a missing one is simply missing', () => {
  expect(readArguments(tool, { from: ' Velmora ', days: '3', exact: 'True', tags: '["a"]' })).toEqual({
    ok: true,
    args: { from: 'Velmora', days: 3, exact: true, tags: ['a'] },
  })
  expect(readArguments(tool, {})).toEqual({ ok: true, args: {} })
  const bad = readArguments(tool, { days: '3.5', exact: 'maybe', tags: '[' })
  expect(bad.ok ? [] : Object.keys(bad.problems)).toEqual(['days', 'exact', 'tags'])
})

test('the catalogue is grouped and searched over names, categories and parameters', () => {
  const other = toolSpec.parse({ name: 'sky', category: 'weather' })
  expect(toolGroups([other, tool], '').map((group) => group.category)).toEqual(['money', 'weather'])
  expect(toolGroups([other, tool], 'MONEY from').map((group) => group.tools.length)).toEqual([1])
  expect(toolGroups([other, tool], 'nothing')).toEqual([])
})
