/** The mod+K palette: every page, run, trajectory and action, found by typing. */
import { Modal, ScrollArea, Text, TextInput, UnstyledButton, useMantineColorScheme } from '@mantine/core'
import { useMemo, useState } from 'react'
import { visibleText } from '../format'
import { useAnswer } from '../stores/answer'
import { hrefs } from '../stores/hrefs'
import { navigate } from '../stores/location'
import { leaveRecording, useSource, useStudioState } from '../stores/studio'
import { openRecordedStory } from '../widgets/NoGpu'
import { places } from './navigation'
import classes from './frame.module.css'

interface Option {
  readonly id: string
  readonly label: string
  readonly kind: string
  readonly run: () => void
}
const SHOWN = 40

function matches(words: readonly string[], option: Option): boolean {
  const text = `${option.label} ${option.kind}`.toLowerCase()
  return words.every((word) => text.includes(word))
}

function useOptions(): readonly Option[] {
  const source = useSource()
  const live = useStudioState((state) => state.live)
  const { setColorScheme } = useMantineColorScheme()
  const runs = useAnswer('palette runs', (studio) => studio.runs.list()).value
  const datasets = useAnswer('palette datasets', (studio) => studio.datasets.list()).value
  const trajectories = useAnswer('palette trajectories', async (studio) => {
    const [allRuns, allDatasets] = [await studio.runs.list(), await studio.datasets.list()]
    const lists = await Promise.all([
      ...allDatasets
        .slice(0, 4)
        .map(async (row) => ({ place: { dataset: row.dataset_id }, rows: await studio.trajectories.list({ dataset_id: row.dataset_id }) })),
      ...allRuns
        .slice(0, 4)
        .map(async (row) => ({ place: { run: row.run_id }, rows: await studio.trajectories.list({ run_id: row.run_id }) })),
    ])
    return lists.flatMap(({ place, rows }) => rows.slice(0, 500).map(({ trajectory_id: id, task }) => ({ id, query: task.query, place })))
  }).value
  return useMemo(() => {
    const go = (href: string) => () => {
      navigate(href)
    }
    const options: Option[] = places.map((place) => ({ id: `page ${place.label}`, label: place.label, kind: 'Page', run: go(place.href) }))
    options.push(
      { id: 'new', label: 'New training run', kind: 'Action', run: go(hrefs.newRun()) },
      source === 'recorded' && live
        ? { id: 'leave', label: 'Leave the recorded run', kind: 'Action', run: leaveRecording }
        : { id: 'recorded', label: 'Watch a recorded run', kind: 'Action', run: () => void openRecordedStory() },
      {
        id: 'light',
        label: 'Light colours',
        kind: 'Action',
        run: () => {
          setColorScheme('light')
        },
      },
      {
        id: 'dark',
        label: 'Dark colours',
        kind: 'Action',
        run: () => {
          setColorScheme('dark')
        },
      },
      {
        id: 'system',
        label: 'Colours as the system has them',
        kind: 'Action',
        run: () => {
          setColorScheme('auto')
        },
      },
      { id: 'ledger', label: 'Network ledger', kind: 'Action', run: go(hrefs.settings({ tab: 'network' })) },
    )
    for (const run of runs ?? [])
      options.push({
        id: run.run_id,
        label: run.title,
        kind: 'Run',
        run: go(run.kind === 'story' ? hrefs.story(run.run_id) : hrefs.run(run.run_id)),
      })
    for (const row of datasets ?? [])
      options.push({ id: row.dataset_id, label: row.name, kind: 'Data set', run: go(hrefs.data({ dataset: row.dataset_id })) })
    for (const row of trajectories ?? [])
      options.push({ id: `t ${row.id}`, label: row.query, kind: 'Trajectory', run: go(hrefs.trajectory(row.id, row.place)) })
    return options
  }, [source, live, runs, datasets, trajectories, setColorScheme])
}

export default function Palette({ close }: { readonly close: () => void }) {
  const [query, setQuery] = useState('')
  const [at, setAt] = useState(0)
  const options = useOptions()
  const found = useMemo(() => {
    const words = query
      .toLowerCase()
      .split(/\s+/)
      .filter((word) => word !== '')
    return options.filter((option) => matches(words, option)).slice(0, SHOWN)
  }, [options, query])
  const choose = (option: Option | undefined): void => {
    if (!option) return
    close()
    option.run()
  }
  const move = (to: number): void => {
    const next = Math.max(0, Math.min(found.length - 1, to))
    setAt(next)
    document.getElementById(`palette-${next}`)?.scrollIntoView({ block: 'nearest' })
  }
  return (
    <Modal opened onClose={close} withCloseButton={false} title={undefined} aria-label="Find" padding={8} size="md" yOffset="12vh">
      <TextInput
        data-autofocus
        aria-label="Find pages, runs, trajectories and actions"
        placeholder="Find pages, runs, trajectories, actions"
        role="combobox"
        aria-expanded
        aria-controls="palette-list"
        aria-activedescendant={found.length > 0 ? `palette-${at}` : undefined}
        value={query}
        onChange={(event) => {
          setQuery(event.currentTarget.value)
          setAt(0)
        }}
        onKeyDown={(event) => {
          if (event.key === 'ArrowDown') move(at + 1)
          else if (event.key === 'ArrowUp') move(at - 1)
          else if (event.key === 'Enter') choose(found[at])
          else return
          event.preventDefault()
        }}
      />
      <ScrollArea.Autosize mah={360} mt={8} viewportProps={{ tabIndex: -1 }}>
        <div role="listbox" id="palette-list" aria-label="Found">
          {found.map((option, index) => (
            <UnstyledButton
              key={option.id}
              id={`palette-${index}`}
              role="option"
              aria-selected={index === at}
              tabIndex={-1}
              className={classes.option ?? ''}
              onMouseEnter={() => {
                setAt(index)
              }}
              onClick={() => {
                choose(option)
              }}
            >
              <span>{visibleText(option.label)}</span>
              <Text component="span" size="xs" c="dimmed">
                {option.kind}
              </Text>
            </UnstyledButton>
          ))}
        </div>
        {found.length === 0 && (
          <Text c="dimmed" p={8}>
            Nothing found.
          </Text>
        )}
      </ScrollArea.Autosize>
    </Modal>
  )
}
