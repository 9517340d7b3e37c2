/** Where trajectories come from: imported files and runs. One choice, kept in the URL. */
import { useMemo } from 'react'
import type { Trajectory } from '../../records/trajectory'
import { useAnswer, NOTHING } from '../stores/answer'
import type { Answer } from '../stores/answer'

export interface Source {
  /** `dataset:…` or `run:…`. */
  readonly key: string
  readonly title: string
  readonly kind: 'dataset' | 'run'
  readonly id: string
}

export interface Sources {
  readonly sources: readonly Source[]
  readonly loading: boolean
  readonly chosen: Source | null
}

function sourceList(
  datasets: readonly { dataset_id: string; name: string; created_at: string }[],
  runs: readonly { run_id: string; title: string; created_at: string; kind: string }[],
): Source[] {
  const newest = <T extends { created_at: string }>(list: readonly T[]): T[] =>
    [...list].sort((a, b) => (a.created_at < b.created_at ? 1 : -1))
  return [
    ...newest(datasets).map((one): Source => ({ key: `dataset:${one.dataset_id}`, title: one.name, kind: 'dataset', id: one.dataset_id })),
    ...newest(runs).map((one): Source => ({ key: `run:${one.run_id}`, title: one.title, kind: 'run', id: one.run_id })),
  ]
}

/** The source the URL names, else the first there is. */
export function useSources(url: { readonly dataset: string; readonly run: string }): Sources {
  const datasets = useAnswer('datasets', (studio) => studio.datasets.list(), ['dataset'])
  const runs = useAnswer('runs', (studio) => studio.runs.list(), ['job'])
  const sources = useMemo(() => sourceList(datasets.value ?? [], runs.value ?? []), [datasets.value, runs.value])
  const wanted = url.dataset !== '' ? `dataset:${url.dataset}` : url.run !== '' ? `run:${url.run}` : null
  const chosen = wanted === null ? (sources[0] ?? null) : (sources.find((source) => source.key === wanted) ?? null)
  return { sources, loading: datasets.loading || runs.loading, chosen }
}

export function useTrajectoriesOf(source: Source | null): Answer<readonly Trajectory[]> {
  return useAnswer(
    source === null ? NOTHING : source.key,
    (studio) =>
      source === null
        ? Promise.resolve([])
        : studio.trajectories.list(source.kind === 'dataset' ? { dataset_id: source.id } : { run_id: source.id }),
    ['trajectories', 'dataset'],
  )
}
