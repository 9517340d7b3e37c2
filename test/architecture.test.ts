/** The import rule of src/README.md, held by a machine: who may import whom, what only hosts may touch, no cycles. */
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { algorithms } from '../src/training/algorithms'
import { measureHouse } from './support/measureHouse'
import { readSources, type Source } from './support/sources'

/** A folder may import itself, and these folders or single files. `import type` obeys the same rule. */
const mayImport: Readonly<Record<string, readonly string[] | 'everything'>> = {
  base: [],
  network: [],
  records: ['base'],
  engine: ['base'],
  storage: ['base', 'records'],
  models: ['base', 'network', 'engine'],
  data: ['base', 'records'],
  environments: ['base', 'records'],
  annotation: ['base', 'records'],
  agents: ['base', 'network', 'records', 'environments'],
  training: ['base', 'records', 'engine', 'models', 'data', 'environments', 'agents'],
  evaluation: ['base', 'records', 'data', 'environments', 'agents'],
  studio: [
    ...['base', 'network', 'records', 'engine', 'storage', 'models', 'data', 'environments', 'annotation', 'agents'],
    ...['training', 'evaluation', 'worker/protocol', 'worker/studioApi', 'worker/forwardStudio'],
  ],
  worker: 'everything',
  cli: 'everything',
  bench: 'everything',
  parity: 'everything',
  gateway: ['base', 'records', 'storage'],
  ui: ['base', 'records', 'annotation', 'worker/client', 'worker/protocol', 'worker/studioApi', 'worker/recordedStudio'],
}

/** Packages that belong to one place. Everything else may be used where the import rule lets it be reached. */
const onlyIn: readonly { readonly packages: RegExp; readonly where: RegExp }[] = [
  { packages: /^(react|react-dom|@mantine\/.*|wouter|zustand|recharts|@tanstack\/.*)(\/|$)/, where: /^ui\// },
  { packages: /^comlink$/, where: /^worker\/(client|dataClient|[^/]+\.worker)\.ts$/ },
  { packages: /^(hono|@hono\/.*)(\/|$)/, where: /^gateway\// },
  { packages: /^webgpu$/, where: /^cli\/node\/dawn\.ts$/ },
  { packages: /^@modelcontextprotocol\//, where: /^(environments\/mcp|gateway|cli)\// },
  { packages: /^undici$/, where: /^cli\/node\/proxyFetch\.ts$/ },
  { packages: /^idb$/, where: /^storage\// },
  {
    packages: /^node:/,
    where: /^(cli|bench|parity|gateway)\/|^storage\/(nodeStore|runFolder|runDirectories|folderStore|durableFile)\.ts$/,
  },
  { packages: /^@noble\/hashes\//, where: /^base\/sha256\.ts$/ },
  { packages: /^yaml$/, where: /^training\/recipes\/yaml\.ts$/ },
]

/** Folders that run the same in a worker, in Node and in a test: devices, stores, clocks, fetch and randomness are handed in. */
const hosts = ['worker', 'cli', 'bench', 'parity', 'gateway', 'ui']
const hostGlobals = new Set(['document', 'window', 'self', 'process', 'localStorage', 'sessionStorage', 'navigator', 'indexedDB'])
const storageImplementations = /^storage\/(browserStore|nodeStore|memoryStore|runFolder|folderStore)\.ts$/

const sources = readSources('src')
const folderOf = (path: string): string => path.split('/')[0] ?? ''

test('every folder is in the rule', () => {
  const folders = new Set(sources.filter(({ path }) => path.includes('/')).map(({ path }) => folderOf(path)))
  expect([...folders].filter((folder) => !(folder in mayImport))).toEqual([])
})

test('imports go one way', () => {
  const broken = sources.flatMap((source) =>
    source.imports.flatMap(({ target }) => {
      if (target === null) return []
      const from = folderOf(source.path)
      const allowed = mayImport[from] ?? []
      const isAllowed =
        folderOf(target) === from ||
        allowed === 'everything' ||
        allowed.some((entry) => target.startsWith(`${entry}/`) || target.startsWith(`${entry}.`))
      return isAllowed ? [] : [`${source.path} may not import ${target}`]
    }),
  )
  expect(broken).toEqual([])
})

test('imports exist', () => {
  expect(sources.flatMap(({ path, missing }) => missing.map((specifier) => `${path} imports ${specifier}`))).toEqual([])
})

test('packages stay in their place', () => {
  const broken = sources.flatMap(({ path, imports }) =>
    imports.flatMap(({ specifier, target }) => {
      if (target !== null) return []
      const place = onlyIn.find(({ packages }) => packages.test(specifier))
      return place === undefined || place.where.test(path) ? [] : [`${path} may not use ${specifier}`]
    }),
  )
  expect(broken).toEqual([])
})

test('base uses the language and one package for SHA-256, records add zod', () => {
  const packagesOf = (folder: string): string[] =>
    sources
      .filter(({ path }) => folderOf(path) === folder)
      .flatMap(({ imports }) => imports.filter(({ target }) => target === null).map(({ specifier }) => specifier))
  expect(packagesOf('base').filter((specifier) => !specifier.startsWith('@noble/hashes/'))).toEqual([])
  expect(packagesOf('records').filter((specifier) => specifier !== 'zod')).toEqual([])
})

test('only hosts touch what a host owns', () => {
  const plain = sources.filter(({ path }) => path.includes('/') && !hosts.includes(folderOf(path)) && !storageImplementations.test(path))
  const broken = plain.flatMap(({ path, globals }) =>
    globals.filter(({ name }) => hostGlobals.has(name) || name.includes('(')).map(({ name, line }) => `${path}:${line} uses ${name}`),
  )
  expect(broken).toEqual([])
})

test('there are no import cycles, not even of types', () => {
  const graph = new Map(sources.map((source): [string, string[]] => [source.path, targetsOf(source)]))
  expect(findCycle(graph)).toEqual([])
})

test('only the folders of algorithms name one: everything else asks the description', () => {
  const names = Object.keys(algorithms)
  const outside = sources.filter(({ path }) => !path.startsWith('training/algorithms/'))
  const literals = outside.flatMap(({ path }) => {
    const text = readFileSync(new URL(`../src/${path}`, import.meta.url), 'utf8').replaceAll(/\/\*[\s\S]*?\*\/|(?<!:)\/\/.*$/gm, '')
    return names.filter((name) => new RegExp(`(['"\`])${name}\\1`).test(text)).map((name) => `${path} names ${name}`)
  })
  const imports = outside.flatMap(({ path, imports: all }) =>
    all.flatMap(({ target }) => (target !== null && /^training\/algorithms\/[^/]+\//.test(target) ? [`${path} imports ${target}`] : [])),
  )
  expect([...literals, ...imports]).toEqual([])
})

test('files are named for what they hold', () => {
  const vague = sources.filter(({ path }) => /(^|\/)(utils?|helpers?|managers?|common)(\.tsx?$|\/)/i.test(path)).map(({ path }) => path)
  const catalogues =
    /(ops|pages|algorithms|architectures|formats|callFormats|environments|benchmarks|strategies|commands|scorers|answerScorers)\/index\.ts$/
  const indexes = sources.filter(({ path }) => /\/index\.tsx?$/.test(path) && !catalogues.test(path)).map(({ path }) => path)
  expect([...vague, ...indexes]).toEqual([])
})

test('only the catalogues and the defaults name the starter world', () => {
  expect(measureHouse().starterNames).toEqual([])
}, 120_000)

/** Every file that a file imports, for its types or later too. The entry of a worker is started, not imported. */
const targetsOf = ({ imports }: Source): string[] =>
  imports.flatMap(({ target, kind }) => (target !== null && kind !== 'worker' ? [target] : []))

/** The files of one cycle in order, or none. */
function findCycle(graph: ReadonlyMap<string, readonly string[]>): string[] {
  const finished = new Set<string>()
  const visit = (path: string, trail: readonly string[]): string[] => {
    if (trail.includes(path)) return [...trail.slice(trail.indexOf(path)), path]
    if (finished.has(path)) return []
    for (const target of graph.get(path) ?? []) {
      const cycle = visit(target, [...trail, path])
      if (cycle.length > 0) return cycle
    }
    finished.add(path)
    return []
  }
  for (const path of graph.keys()) {
    const cycle = visit(path, [])
    if (cycle.length > 0) return cycle
  }
  return []
}
