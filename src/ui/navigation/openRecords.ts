/** Which records an address opens, and the list in which the others are: what a page that stopped can name. */
import { runOfSource } from '../../records/dataSource'
import { startOf } from '../train/startChoices'
import { hrefs } from './hrefs'

export type OpenKind = 'Run' | 'Data set' | 'Trajectory' | 'Evaluation' | 'Model' | 'Adapter' | 'Tool'

export interface OpenRecord {
  readonly kind: OpenKind
  readonly id: string
}

const RUN_PATH = /^\/(?:train\/run|story)\/([^/]+)$/

const sourceRecord = (id: string): OpenRecord => {
  const run = runOfSource(id)
  return run === null ? { kind: 'Data set', id } : { kind: 'Run', id: run }
}

function startRecord(text: string): OpenRecord[] {
  const from = startOf(text)
  if (!from) return []
  return [from.kind === 'imported' ? { kind: 'Adapter', id: from.adapter_id } : { kind: 'Run', id: from.run_id }]
}

const idsOf = (text: string): string[] => text.split(',').filter((id) => id !== '')
const named =
  (kind: OpenKind) =>
  (text: string): OpenRecord[] =>
    idsOf(text).map((id) => ({ kind, id }))

/** What the parts of an address's query name, the narrowest first. */
const QUERY: Readonly<Record<string, (text: string) => OpenRecord[]>> = {
  id: (id) => [{ kind: 'Trajectory', id }],
  compare: named('Trajectory'),
  dataset: (id) => [{ kind: 'Data set', id }],
  run: (id) => [{ kind: 'Run', id }],
  runs: named('Run'),
  before: (id) => [{ kind: 'Evaluation', id }],
  after: (id) => [{ kind: 'Evaluation', id }],
  from: (id) => [{ kind: 'Run', id }],
  data: (text) => idsOf(text).map(sourceRecord),
  start: startRecord,
  adapter: (id) => [{ kind: 'Run', id }],
  model: (id) => [{ kind: 'Model', id }],
  tool: (id) => [{ kind: 'Tool', id }],
}

/** @param address path and query, as the hash has them. */
export function openRecords(address: string): readonly OpenRecord[] {
  const [path = '', search = ''] = address.split('?')
  const query = new URLSearchParams(search)
  const runId = RUN_PATH.exec(path)?.[1]
  const found = Object.entries(QUERY).flatMap(([part, read]) => {
    const text = query.get(part) ?? ''
    return text === '' ? [] : read(text)
  })
  const all: OpenRecord[] = runId === undefined ? found : [{ kind: 'Run', id: decoded(runId) }, ...found]
  return all.filter(({ kind, id }, at) => all.findIndex((one) => one.kind === kind && one.id === id) === at)
}

/** The page without what is open on it; of a page that is about one run, the list of runs. */
export function listOf(address: string): string {
  const path = address.split('?')[0] ?? ''
  return path.startsWith('/train/') ? hrefs.train() : path.startsWith('/story/') ? hrefs.home() : path
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}
