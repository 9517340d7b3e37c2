import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { toolSpec } from '../../src/records/trajectory'
import { licences } from '../../src/ui/settings/licences'
import { limitRows, storageRows } from '../../src/ui/settings/storageRows'
import { readArguments, toolArguments } from '../../src/ui/tools/toolArguments'
import { choiceValue, fieldsFromSchema } from '../../src/ui/widgets/schemaFields'
import { toolGroups } from '../../src/ui/tools/toolCatalogue'

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

test('a tool’s schema decides what a field offers: what may be chosen, what is nested, and values that are no text', () => {
  const order = toolSpec.parse({
    name: 'order',
    parameters: [
      { name: 'size', type: 'integer' },
      { name: 'colour', type: 'string', required: false },
      { name: 'gift', type: 'boolean', required: false },
      { name: 'items', type: 'array', required: false },
      { name: 'address', type: 'object', required: false },
    ],
    schema: {
      type: 'object',
      properties: {
        size: { type: 'integer', enum: [1, 2] },
        colour: { anyOf: [{ type: 'null' }, { type: 'string', enum: ['red', 'blue'] }] },
        gift: { type: 'boolean' },
        items: { type: 'array', items: { type: 'integer' } },
        address: { type: 'object', properties: { street: { type: 'string' }, number: { type: 'integer' } } },
      },
    },
  })
  expect(toolArguments(order).map(({ name, kind, type, choices }) => [name, kind, type, choices])).toEqual([
    ['size', 'choice', 'integer', [1, 2]],
    ['colour', 'choice', 'string', ['red', 'blue']],
    ['gift', 'boolean', 'boolean', []],
    ['items', 'json', 'array of integer', []],
    ['address', 'json', 'object with street, number', []],
  ])
  expect(readArguments(order, { size: '2', colour: 'red', gift: 'false', items: '[1]', address: '{"number":3}' })).toEqual({
    ok: true,
    args: { size: 2, colour: 'red', gift: false, items: [1], address: { number: 3 } },
  })
  const bad = readArguments(order, { size: '3', items: '1,' })
  expect(bad.ok ? {} : bad.problems).toEqual({ size: 'Expected 1, 2, found 3.', items: 'Expected JSON, found 1,.' })
})

test('a setting with numbers to choose from shows its default and is sent as a number', () => {
  const [version] = fieldsFromSchema({ properties: { version: { enum: [2, 3], default: 2 } } })
  expect(version).toMatchObject({ kind: 'choice', choices: ['2', '3'], fallback: 2 })
  expect(version && choiceValue(version, '3')).toBe(3)
})

test('the catalogue is grouped and searched over names, categories and parameters', () => {
  const other = toolSpec.parse({ name: 'sky', category: 'weather' })
  expect(toolGroups([other, tool], '').map((group) => group.category)).toEqual(['money', 'weather'])
  expect(toolGroups([other, tool], 'MONEY from').map((group) => group.tools.length)).toEqual([1])
  expect(toolGroups([other, tool], 'nothing')).toEqual([])
})
