import { Button, Select, TextInput } from '@mantine/core'
import { useMemo, useRef } from 'react'
import { Link } from 'wouter'
import { z } from 'zod'
import { stepsOf, type Trajectory } from '../../records/trajectory'
import { formatCount } from '../format'
import { useLabelsOf } from '../labelling/labelStore'
import { NOTHING, useReply } from '../stores/answer'
import { hrefs } from '../stores/hrefs'
import { useUrlState } from '../stores/location'
import { usePageKeys } from '../stores/pageKeys'
import { CompareTrajectories } from '../trajectory/CompareTrajectories'
import { filterTrajectories, toolNames, type TrajectoryFilter } from '../trajectory/trajectoryFilter'
import { SourceSelect } from '../trajectory/SourceSelect'
import { TrajectoryList } from '../trajectory/TrajectoryList'
import { TrajectoryReader } from '../trajectory/TrajectoryReader'
import lists from '../trajectory/lists.module.css'
import classes from '../trajectory/trajectory.module.css'
import { useSources, useTrajectoriesOf } from '../trajectory/useSources'
import { EmptyState, Loading, PageHead, Panel } from '../widgets/Panel'
import { ErrorPanel } from '../widgets/ProblemList'

const urlSchema = z.object({
  id: z.string().default(''),
  dataset: z.string().default(''),
  run: z.string().default(''),
  step: z.coerce.number().int().nonnegative().catch(0).default(0),
  q: z.string().default(''),
  status: z.enum(['', 'solved', 'unsure', 'unsolved', 'none']).catch('').default(''),
  tool: z.string().default(''),
  outcome: z.enum(['', 'failed', 'unreadable', 'clean']).catch('').default(''),
  order: z.enum(['file', 'steps', 'status']).catch('file').default('file'),
  compare: z.string().default(''),
})
const COMPARE_MOST = 16

export default function TrajectoriesPage() {
  const [url, setUrl] = useUrlState(urlSchema)
  const search = useRef<HTMLInputElement>(null)
  const { sources, chosen, loading } = useSources(url)
  const list = useTrajectoriesOf(chosen)
  const all = useMemo(() => list.value ?? [], [list.value])
  const filter: TrajectoryFilter = useMemo(
    () => ({ text: url.q, status: url.status, tool: url.tool, outcome: url.outcome, order: url.order }),
    [url.q, url.status, url.tool, url.outcome, url.order],
  )
  const shown = useMemo(() => filterTrajectories(all, filter), [all, filter])
  const tools = useMemo(() => toolNames(all), [all])
  const selectedId = url.id !== '' ? url.id : (shown[0]?.trajectory_id ?? null)
  const compareIds = url.compare === '' ? [] : url.compare.split(',').slice(0, COMPARE_MOST)
  const whole = useReply(selectedId === null ? NOTHING : `trajectory ${selectedId}`, (studio) => studio.trajectories.get(selectedId ?? ''))
  const selected = whole.value ?? all.find((one) => one.trajectory_id === selectedId) ?? null
  const compared = compareIds.flatMap((id) => all.find((one) => one.trajectory_id === id) ?? [])
  const labels = useLabelsOf(
    useMemo(
      () => [...(selectedId === null ? [] : [selectedId]), ...(url.compare === '' ? [] : url.compare.split(','))],
      [selectedId, url.compare],
    ),
  )
  const place = { dataset: chosen?.kind === 'dataset' ? chosen.id : null, run: chosen?.kind === 'run' ? chosen.id : null }

  const siblings = selected ? all.filter((one) => one.task.query_id === selected.task.query_id) : []
  const toggleCompare = (id: string): void => {
    const next = compareIds.includes(id) ? compareIds.filter((one) => one !== id) : [...compareIds, id].slice(-COMPARE_MOST)
    setUrl({ compare: next.join(',') })
  }
  const move = (by: number): void => {
    const at = shown.findIndex((one) => one.trajectory_id === selectedId)
    const next = shown[Math.max(0, Math.min(shown.length - 1, at + by))]
    if (next) setUrl({ id: next.trajectory_id, step: 0 })
  }
  const stepBy = (by: number): void => {
    if (selected) setUrl({ step: Math.max(0, Math.min(stepsOf(selected).length - 1, url.step + by)) })
  }
  usePageKeys([
    {
      keys: 'j',
      does: 'next step',
      run: () => {
        stepBy(1)
      },
    },
    {
      keys: 'k',
      does: 'previous step',
      run: () => {
        stepBy(-1)
      },
    },
    {
      keys: 'shift+J',
      does: 'next trajectory',
      run: () => {
        move(1)
      },
    },
    {
      keys: 'shift+K',
      does: 'previous trajectory',
      run: () => {
        move(-1)
      },
    },
    {
      keys: 'c',
      does: 'add to or remove from the comparison',
      run: () => {
        if (selectedId !== null) toggleCompare(selectedId)
      },
    },
    {
      keys: 'd',
      does: 'compare with the other attempts at this question',
      run: () => {
        if (siblings.length > 1)
          setUrl(
            {
              compare: siblings
                .slice(0, COMPARE_MOST)
                .map((one) => one.trajectory_id)
                .join(','),
            },
            { push: true },
          )
      },
    },
    {
      keys: '/',
      does: 'search',
      run: (event) => {
        event.preventDefault()
        search.current?.focus()
      },
    },
  ])

  const head = (
    <PageHead
      title="Trajectories"
      about="Every step taken: the call, what came back, what it earned."
      actions={
        <SourceSelect
          sources={sources}
          chosen={chosen}
          onChange={(patch) => {
            setUrl({ ...patch, id: '', step: 0, compare: '', tool: '' }, { push: true })
          }}
        />
      }
    />
  )
  if (!chosen && url.id === '') {
    return (
      <>
        {head}
        {loading ? (
          <Loading />
        ) : (
          <EmptyState
            title={url.dataset !== '' || url.run !== '' ? 'This source is no longer here.' : 'No trajectories yet.'}
            action={
              <Button component={Link} href={hrefs.data()}>
                Open a file
              </Button>
            }
          >
            Import a file of trajectories, or let the starter model make some: a run’s attempts appear here.
          </EmptyState>
        )}
      </>
    )
  }
  return (
    <>
      {head}
      {compared.length > 1 && (
        <Panel
          title={`Comparing ${compared.length}`}
          aside={
            <Button
              onClick={() => {
                setUrl({ compare: '' })
              }}
            >
              Close comparison
            </Button>
          }
        >
          <CompareTrajectories trajectories={compared} labels={labels} place={place} />
        </Panel>
      )}
      <div className={lists.split} style={compared.length > 1 ? { marginTop: 12 } : undefined}>
        <div className={lists.side}>
          <Panel
            title={
              shown.length === all.length
                ? `${formatCount(all.length)} trajectories`
                : `${formatCount(shown.length)} of ${formatCount(all.length)}`
            }
            flush
          >
            <div className={lists.filters}>
              <TextInput
                ref={search}
                aria-label="Search calls and observations"
                placeholder="Search calls, observations"
                value={url.q}
                onChange={(event) => {
                  setUrl({ q: event.currentTarget.value })
                }}
              />
              <Select
                aria-label="Status"
                value={url.status}
                data={[
                  { value: '', label: 'Any status' },
                  { value: 'solved', label: 'Solved' },
                  { value: 'unsure', label: 'Unsure' },
                  { value: 'unsolved', label: 'Unsolved' },
                  { value: 'none', label: 'Not judged' },
                ]}
                onChange={(value) => {
                  setUrl({ status: value ?? '' })
                }}
              />
              <Select
                aria-label="Steps"
                value={url.outcome}
                data={[
                  { value: '', label: 'Any steps' },
                  { value: 'failed', label: 'A call failed' },
                  { value: 'unreadable', label: 'Unreadable call' },
                  { value: 'clean', label: 'Nothing failed' },
                ]}
                onChange={(value) => {
                  setUrl({ outcome: value ?? '' })
                }}
              />
              <Select
                aria-label="Tool"
                searchable
                value={url.tool}
                data={[
                  { value: '', label: 'Any tool' },
                  ...tools.map((tool) => ({ value: tool.name, label: `${tool.name} (${tool.count})` })),
                ]}
                onChange={(value) => {
                  setUrl({ tool: value ?? '' })
                }}
              />
              <Select
                aria-label="Order"
                value={url.order}
                data={[
                  { value: 'file', label: 'In file order' },
                  { value: 'steps', label: 'Longest first' },
                  { value: 'status', label: 'Unsolved first' },
                ]}
                onChange={(value) => {
                  setUrl({ order: value ?? 'file' })
                }}
              />
            </div>
            {list.loading && <Loading />}
            {shown.length === 0 && !list.loading && (
              <p className={classes.quiet} style={{ padding: '0 12px' }}>
                Nothing matches these filters.
              </p>
            )}
            <TrajectoryList
              trajectories={shown}
              selected={selectedId}
              label="Trajectories"
              height={`min(max(160px, calc(100dvh - 276px)), ${Math.max(1, shown.length) * 50}px)`}
              onSelect={(id) => {
                setUrl({ id, step: 0 }, { push: true })
              }}
              facts={(trajectory) => (
                <>
                  <span>{stepsOf(trajectory).length} steps</span>
                  {compareIds.includes(trajectory.trajectory_id) && <span>◆ compared</span>}
                  <span className={classes.mono}>{trajectory.trajectory_id}</span>
                </>
              )}
            />
          </Panel>
        </div>
        <div style={{ minWidth: 0 }}>
          {selected ? (
            <Panel
              title={selected.trajectory_id}
              aside={
                <ReaderActions
                  trajectory={selected}
                  compared={compareIds.includes(selected.trajectory_id)}
                  place={place}
                  onCompare={() => {
                    toggleCompare(selected.trajectory_id)
                  }}
                />
              }
            >
              <TrajectoryReader
                key={selected.trajectory_id}
                trajectory={selected}
                labels={labels.get(selected.trajectory_id) ?? null}
                step={Math.min(url.step, stepsOf(selected).length - 1)}
                onStep={(step) => {
                  setUrl({ step })
                }}
              />
            </Panel>
          ) : whole.error !== null ? (
            <ErrorPanel title="This trajectory could not be opened." details={whole.error} />
          ) : (
            <Loading lines={6} />
          )}
        </div>
      </div>
    </>
  )
}

function ReaderActions({
  trajectory,
  compared,
  place,
  onCompare,
}: {
  readonly trajectory: Trajectory
  readonly compared: boolean
  readonly place: { dataset: string | null; run: string | null }
  readonly onCompare: () => void
}) {
  return (
    <>
      <Button onClick={onCompare} aria-keyshortcuts="c">
        {compared ? 'Remove from comparison' : 'Add to comparison'}
      </Button>
      <Button component={Link} href={hrefs.label(trajectory.trajectory_id, place)}>
        Label
      </Button>
    </>
  )
}
