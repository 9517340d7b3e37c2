/** Where trajectories come from: imported files and runs. The choice is in the URL. */
import { useMemo } from 'react'
import { distinctNames } from '../distinctNames'
import { useDatasets } from '../queries/datasets'
import { useRuns } from '../queries/runs'
import type { TrajectorySource } from '../queries/trajectories'

export interface Source extends TrajectorySource {
  /** `dataset:…` or `run:…`. */
  readonly key: string
  readonly title: string
}

export interface Sources {
  readonly sources: readonly Source[]
  readonly isLoading: boolean
  readonly chosen: Source | null
}

function sourceList(
  datasets: readonly { dataset_id: string; name: string; created_at: string }[],
  runs: readonly { run_id: string; title: string; created_at: string; kind: string }[],
): Source[] {
  const newest = <T extends { created_at: string }>(list: readonly T[]): T[] =>
    [...list].sort((a, b) => (a.created_at < b.created_at ? 1 : -1))
  const sources = [
    ...newest(datasets).map((one) => ({ kind: 'dataset' as const, id: one.dataset_id, name: one.name, when: one.created_at })),
    ...newest(runs).map((one) => ({ kind: 'run' as const, id: one.run_id, name: one.title, when: one.created_at })),
  ]
  const titles = distinctNames(sources)
  return sources.map(({ kind, id, name }, at): Source => ({ key: `${kind}:${id}`, title: titles[at] ?? name, kind, id }))
}

/** The source the URL names, else the first there is. */
export function useSources(url: { readonly dataset: string; readonly run: string }): Sources {
  const datasets = useDatasets()
  const runs = useRuns()
  const sources = useMemo(() => sourceList(datasets.data ?? [], runs.data ?? []), [datasets.data, runs.data])
  const wanted = url.dataset !== '' ? `dataset:${url.dataset}` : url.run !== '' ? `run:${url.run}` : null
  const chosen = wanted === null ? (sources[0] ?? null) : (sources.find((source) => source.key === wanted) ?? null)
  return { sources, isLoading: datasets.isLoading || runs.isLoading, chosen }
}
