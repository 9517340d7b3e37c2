/** What the palette finds: pages, actions, runs, data sets and trajectories, each with what choosing it does. */
import { useMantineColorScheme } from '@mantine/core'
import { useMemo } from 'react'
import { hrefs } from '../navigation/hrefs'
import { navigate } from '../navigation/location'
import { placesOf } from '../navigation/places'
import { runHref } from '../navigation/runHref'
import type { PageDescription } from '../pages/definePage'
import { useDataNames, useDatasets } from '../queries/datasets'
import { useRunNames, useRuns } from '../queries/runs'
import { useTrajectoriesOfMany, type TrajectorySource } from '../queries/trajectories'
import { leaveRecording, useSource, useStudioState } from '../stores/studio'
import { openRecordedStory } from '../widgets/NoGpu'

export interface PaletteOption {
  readonly id: string
  readonly label: string
  readonly kind: string
  readonly run: () => void
}

/** Options drawn at once. */
const SHOWN = 40
/** Trajectories are searched in this many of the data sets and of the runs, and up to this many in each. */
const SOURCES = 4
const OF_EACH = 500

/** How well a label answers: it is what was typed, begins with it, has a word that does, holds it; less well where only the words do. */
function distance(label: string, query: string, words: readonly string[]): number {
  const text = label.toLowerCase()
  if (text === query) return 0
  if (text.startsWith(query)) return 1
  if (text.includes(` ${query}`)) return 2
  const parts = text.split(/[^\p{L}\p{N}]+/u)
  if (words.every((word) => parts.some((part) => part.startsWith(word)))) return 3
  return words.every((word) => text.includes(word)) ? 4 : 5
}

/** Those that hold every word, the best first, and forty at most. Of two that answer alike, the earlier stays first. */
export function findOptions(options: readonly PaletteOption[], query: string): readonly PaletteOption[] {
  const words = query
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '')
  const matches = ({ label, kind }: PaletteOption): boolean => {
    const text = `${label} ${kind}`.toLowerCase()
    return words.every((word) => text.includes(word))
  }
  const wanted = words.join(' ')
  return options
    .filter(matches)
    .map((option) => ({ option, rank: distance(option.label, wanted, words) }))
    .sort((a, b) => a.rank - b.rank)
    .slice(0, SHOWN)
    .map(({ option }) => option)
}

const go = (href: string) => () => {
  navigate(href)
}

function useActions(): readonly PaletteOption[] {
  const source = useSource()
  const live = useStudioState((state) => state.live)
  const { setColorScheme } = useMantineColorScheme()
  return useMemo(() => {
    const action = (id: string, label: string, run: () => void): PaletteOption => ({ id, label, kind: 'Action', run })
    const colours = (id: string, label: string, scheme: 'light' | 'dark' | 'auto'): PaletteOption =>
      action(id, label, () => {
        setColorScheme(scheme)
      })
    return [
      action('new', 'New training run', go(hrefs.newRun())),
      source === 'recorded' && live
        ? action('leave', 'Leave the recorded run', leaveRecording)
        : action('recorded', 'Watch a recorded run', () => void openRecordedStory()),
      colours('light', 'Light colours', 'light'),
      colours('dark', 'Dark colours', 'dark'),
      colours('system', 'Colours as the system has them', 'auto'),
      action('ledger', 'Network ledger', go(hrefs.settings({ tab: 'network' }))),
    ]
  }, [source, live, setColorScheme])
}

export function usePaletteOptions(pages: readonly PageDescription[]): readonly PaletteOption[] {
  const actions = useActions()
  const runs = useRuns().data
  const datasets = useDatasets().data
  const sources = useMemo(
    (): readonly TrajectorySource[] => [
      ...(datasets ?? []).slice(0, SOURCES).map(({ dataset_id: id }) => ({ kind: 'dataset' as const, id })),
      ...(runs ?? []).slice(0, SOURCES).map(({ run_id: id }) => ({ kind: 'run' as const, id })),
    ],
    [datasets, runs],
  )
  const found = useTrajectoriesOfMany(sources)
  const dataNames = useDataNames()
  const runNames = useRunNames()
  return [
    ...placesOf(pages).map(({ page, navigation: { label } }) => ({ id: `page ${page.path}`, label, kind: 'Page', run: go(page.path) })),
    ...actions,
    ...(runs ?? []).map((run) => ({
      id: run.run_id,
      label: runNames.get(run.run_id) ?? run.title,
      kind: run.kind === 'evaluate' ? 'Evaluation' : 'Run',
      run: go(runHref(run)),
    })),
    ...(datasets ?? []).map((row) => ({
      id: row.dataset_id,
      label: dataNames.get(row.dataset_id) ?? row.name,
      kind: 'Data set',
      run: go(hrefs.data({ dataset: row.dataset_id })),
    })),
    ...found.flatMap(({ source, trajectories }) =>
      trajectories.slice(0, OF_EACH).map(({ trajectory_id: id, task: { query } }) => ({
        id: `t ${id}`,
        label: query,
        kind: 'Trajectory',
        run: go(hrefs.trajectory(id, source.kind === 'dataset' ? { dataset: source.id } : { run: source.id })),
      })),
    ),
  ]
}
