/** Builds every address of the page; no other file writes one. */
import { runOfSource } from '../../records/dataSource'

type Query = Readonly<Record<string, string | number | null | undefined>>

function address(path: string, query: Query = {}): string {
  const search = new URLSearchParams()
  for (const [name, value] of Object.entries(query))
    if (value !== null && value !== undefined && value !== '') search.set(name, String(value))
  const text = search.toString()
  return text === '' ? path : `${path}?${text}`
}
const part = encodeURIComponent

/** Where a trajectory lives: `dataset` or `run` names the list it is shown in. */
export interface TrajectoryPlace {
  readonly dataset?: string | null
  readonly run?: string | null
  readonly step?: number | null
}

/** The list that a source of data is shown in. */
export function placeOfSource(id: string): TrajectoryPlace {
  const run = runOfSource(id)
  return run === null ? { dataset: id } : { run }
}

export const hrefs = {
  home: () => '/',
  story: (runId: string, query: Query = {}) => address(`/story/${part(runId)}`, query),
  data: (query: Query = {}) => address('/data', query),
  label: (trajectoryId?: string, place: TrajectoryPlace = {}) => address('/label', { id: trajectoryId, ...place }),
  train: () => '/train',
  newRun: (query: Query = {}) => address('/train/new', query),
  run: (runId: string) => `/train/run/${part(runId)}`,
  compareRuns: (runIds: readonly string[]) => address('/train/compare', { runs: runIds.join(',') }),
  trajectories: (query: Query = {}) => address('/trajectories', query),
  trajectory: (trajectoryId: string, place: TrajectoryPlace = {}) => address('/trajectories', { id: trajectoryId, ...place }),
  evaluate: (query: Query = {}) => address('/evaluate', query),
  models: (query: Query = {}) => address('/models', query),
  tools: (query: Query = {}) => address('/tools', query),
  settings: (query: Query = {}) => address('/settings', query),
} as const
