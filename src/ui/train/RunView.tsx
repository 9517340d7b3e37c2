/** A run, live or finished: reward first, then small multiples with linked zoom, its recipe, and the trajectories it sampled. */
import { stepsOf } from '../../records/trajectory'
import { Anchor, Button, Group, Stack, Table, Text } from '@mantine/core'
import { useEffect, useMemo, useState } from 'react'
import { Link } from 'wouter'
import { alarmsOf } from '../../records/alarms'
import { METRIC_FORMATS, metricFile, type MetricFormat } from '../../records/metricFiles'
import { settingsInEffect } from '../../records/run'
import type { Zoom } from '../charts/LineChart'
import { fromOne, type Series } from '../charts/series'
import { JobControls } from '../layout/JobPill'
import { formatCount, formatSeconds, formatWhen, visibleText } from '../format'
import { glossary } from '../glossary'
import { useAnswer, useReply } from '../stores/answer'
import { loadExam } from '../stores/exams'
import { hrefs } from '../stores/hrefs'
import { isActive, useJobOfRun } from '../stores/jobs'
import { loadMetrics, useMetrics } from '../stores/metricHistory'
import type { MetricView } from '../stores/metricHistory'
import { usePreferences } from '../stores/preferences'
import { useAlgorithm, useMethodTitle, useStudio } from '../stores/studio'
import { ChangeProof } from '../story/ChangeProof'
import { metricFor } from '../story/storyModel'
import { downloadBytes } from '../story/exportFiles'
import { methodColour } from '../theme'
import { Loading, PageHead, Panel } from '../widgets/Panel'
import { ErrorPanel } from '../widgets/ProblemList'
import { StatusMark } from '../widgets/StatusMark'
import { AlarmsPanel } from './AlarmsPanel'
import { MergedPanel } from './MergedPanel'
import { MetricChart } from './MetricChart'
import { plainValue } from './plainValue'
import { RecipeFiles } from './RecipeFiles'
import { smallMultiples } from './metricGroups'
import { ResumeRun } from './ResumeRun'
import { RunExports } from './RunExports'
import { SendToWandb } from './SendToWandb'
import { SmoothingSelect } from './SmoothingSelect'
import classes from './train.module.css'

const SAMPLES = 12
const MEDIA_TYPES: Readonly<Record<MetricFormat, string>> = { jsonl: 'application/jsonl', csv: 'text/csv' }
const NO_SERIES: readonly Series[] = []

/** @param expected the run practises: there will be some. One that learns from files samples none. */
function Samples({ runId, expected }: { readonly runId: string; readonly expected: boolean }) {
  const answer = useAnswer(
    `samples ${runId}`,
    async (studio) => (await studio.trajectories.list({ run_id: runId })).slice(-SAMPLES).reverse(),
    ['trajectories'],
  )
  const rows = answer.value ?? []
  if (rows.length === 0 && !expected) return null
  return (
    <Panel
      title="Sampled trajectories"
      flush
      aside={
        <Anchor component={Link} href={hrefs.trajectories({ run: runId })} size="xs">
          All of them
        </Anchor>
      }
    >
      {rows.length === 0 ? (
        <Text c="dimmed" p={12}>
          Trajectories it samples appear here.
        </Text>
      ) : (
        <Table aria-label="Sampled trajectories">
          <Table.Tbody>
            {rows.map((record) => (
              <Table.Tr key={record.trajectory_id}>
                <Table.Td w={28}>
                  <StatusMark status={record.status} quiet />
                </Table.Td>
                <Table.Td>
                  <Anchor component={Link} href={hrefs.trajectory(record.trajectory_id, { run: runId })}>
                    {visibleText(record.task.query)}
                  </Anchor>
                </Table.Td>
                <Table.Td ta="right" style={{ whiteSpace: 'nowrap' }}>
                  {stepsOf(record).length} steps
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      )}
    </Panel>
  )
}

function heroOf(metrics: MetricView): string | null {
  const names = Object.keys(metrics.columns)
  return metricFor('reward', names) ?? metricFor('loss', names)
}

function seriesByName(metrics: MetricView): ReadonlyMap<string, readonly Series[]> {
  const x = fromOne(metrics.step)
  return new Map(Object.entries(metrics.columns).map(([name, y]) => [name, [{ name, x, y, colour: 'var(--hone-series-7)' }]]))
}

export function RunView({ runId }: { readonly runId: string }) {
  const studio = useStudio()
  const job = useJobOfRun(runId)
  const methodTitle = useMethodTitle()
  const algorithmOf = useAlgorithm()
  const answer = useReply(`run ${runId} ${job?.state ?? ''}`, (from) => from.runs.get(runId))
  const detail = answer.value
  const metrics = useMetrics(runId)
  const smoothing = usePreferences((state) => state.smoothing)
  const [range, setRange] = useState<readonly [number, number] | null>(null)
  const zoom = useMemo((): Zoom => ({ range, setRange }), [range])
  const [everything, setEverything] = useState(false)
  const [problem, setProblem] = useState<string | null>(null)
  useEffect(() => {
    if (!detail) return
    loadMetrics(detail.run, detail.metrics)
    loadExam(detail)
  }, [detail, runId])
  const names = Object.keys(metrics.columns)
  const hero = useMemo(() => heroOf(metrics), [metrics])
  const run = detail?.run ?? null
  const algorithm = algorithmOf(run?.algorithm ?? null)
  const colour = methodColour(algorithm)
  const shown = everything ? names.filter((name) => name !== hero).map((name) => ({ title: name, name })) : smallMultiples(names, hero)
  const series = useMemo(() => seriesByName(metrics), [metrics])
  const heroSeries = useMemo(
    () => (hero === null ? [] : (series.get(hero) ?? []).map((line) => ({ ...line, colour }))),
    [series, hero, colour],
  )
  const meanings = detail?.metricMeanings ?? {}
  const alarms = useMemo(() => alarmsOf(metrics, algorithm?.alarmsOff), [metrics, algorithm])
  const marks = useMemo(
    () =>
      [...metrics.marks, ...alarms.map(({ step, kind }) => ({ step, label: `alarm: ${kind.replaceAll('_', ' ')}` }))].map(
        ({ step, label }) => ({ step: step + 1, label }),
      ),
    [metrics.marks, alarms],
  )
  if (!detail && !job) {
    if (answer.error === null) return <Loading label="Loading the run" lines={6} />
    return (
      <Stack gap={12}>
        <PageHead title="Run" />
        <ErrorPanel title="This run cannot be shown.">{answer.error}</ErrorPanel>
      </Stack>
    )
  }
  const failure = job?.error ?? run?.error ?? null
  const atWork = job !== null && isActive(job)
  const about = [
    methodTitle(run?.algorithm ?? null) ?? '',
    run?.model.id ?? '',
    run ? `seed ${run.seed}` : '',
    run ? formatWhen(run.created_at) : '',
  ]
    .filter((part) => part !== '')
    .join(' · ')
  /** The whole history: what is drawn may have lost its oldest rows. */
  const exportMetrics = async (format: MetricFormat): Promise<void> => {
    const reply = await studio.runs.get(runId)
    setProblem(reply.ok ? null : reply.message)
    if (reply.ok) downloadBytes(`${runId}-metrics.${format}`, [metricFile(reply.value.metrics, format)], MEDIA_TYPES[format])
  }
  return (
    <Stack gap={12}>
      <PageHead
        title={visibleText(run?.title ?? job?.title ?? 'Run')}
        about={about}
        actions={
          <>
            {job && atWork && (
              <Group gap={8}>
                <Text c="dimmed">
                  {job.state === 'paused' ? 'paused at ' : ''}
                  {job.done} of {job.total}
                  {job.tokensPerSecond !== null && ` · ${formatCount(job.tokensPerSecond)} tok/s`}
                  {job.etaSeconds !== null && ` · ${formatSeconds(job.etaSeconds)} left`}
                </Text>
                <JobControls job={job} />
              </Group>
            )}
            {run && !atWork && <ResumeRun run={run} onProblem={setProblem} />}
            {run?.kind === 'story' && (
              <Button component={Link} href={hrefs.story(runId)}>
                Open the story
              </Button>
            )}
            {run && <RunExports run={run} onProblem={setProblem} />}
          </>
        }
      />
      {problem !== null && <Text c="var(--hone-unsolved)">{problem}</Text>}
      {failure !== null && (
        <ErrorPanel title="The run stopped before its end.">
          {visibleText(failure)}
          {!/\bkept\b/.test(failure) && ' Its metrics and checkpoints until then are kept.'}
        </ErrorPanel>
      )}
      {detail?.elsewhere === true && (
        <ErrorPanel
          title="Another tab is at work on this run."
          actions={
            <Button size="compact-xs" onClick={answer.reload}>
              Read it again
            </Button>
          }
        >
          Here it can be read, not changed: pause and cancel are in the tab that started it. What is below was stored a moment ago.
        </ErrorPanel>
      )}
      {run && <MergedPanel run={run} />}
      <AlarmsPanel alarms={alarms} />
      <Panel title={hero === null ? 'Metrics' : 'Progress'} aside={<SmoothingSelect />}>
        <MetricChart
          metric={hero ?? ''}
          algorithm={algorithm}
          title={hero ?? 'Reward'}
          meaning={hero === null ? glossary.reward.text : (meanings[hero] ?? glossary.reward.text)}
          series={heroSeries}
          height={240}
          smoothing={smoothing}
          marks={marks}
          zoom={zoom}
          scales
          testId="chart-reward"
          emptyText="The first update is on its way"
        />
        {shown.length > 0 && (
          <div className={classes.multiples} style={{ marginTop: 16 }}>
            {shown.map(({ title, name }) => (
              <MetricChart
                key={name}
                metric={name}
                algorithm={algorithm}
                title={title}
                meaning={`${name}: ${meanings[name] ?? ''}`}
                series={series.get(name) ?? NO_SERIES}
                height={120}
                smoothing={smoothing}
                zoom={zoom}
              />
            ))}
          </div>
        )}
        {names.length > 1 && (
          <Group gap={8} mt={12}>
            <Button
              size="compact-xs"
              onClick={() => {
                setEverything(!everything)
              }}
            >
              {everything ? 'Only the usual ones' : `All ${names.length} metrics`}
            </Button>
            {METRIC_FORMATS.map((format) => (
              <Button
                key={format}
                size="compact-xs"
                onClick={() => {
                  void exportMetrics(format)
                }}
              >
                {format === 'csv' ? 'Save as CSV' : 'Save as JSON lines'}
              </Button>
            ))}
            <SendToWandb runId={runId} onProblem={setProblem} />
          </Group>
        )}
      </Panel>
      <Samples runId={runId} expected={run === null || run.data.length === 0} />
      {detail && <ChangeProof detail={detail} job={job} />}
      {run && <Recipe runId={run.algorithm === null ? null : run.run_id} config={settingsInEffect(run)} notes={run.notes} />}
    </Stack>
  )
}

interface RecipeProps {
  /** null where nothing was trained. */
  readonly runId: string | null
  readonly config: Readonly<Record<string, unknown>>
  readonly notes: readonly string[]
}
function Recipe({ runId, config, notes }: RecipeProps) {
  return (
    <details>
      <summary>Recipe: {Object.keys(config).length} settings</summary>
      {notes.length > 0 && (
        <ul>
          {notes.map((note) => (
            <li key={note}>{visibleText(note)}</li>
          ))}
        </ul>
      )}
      <Table withRowBorders={false} verticalSpacing={1} maw={560} aria-label="Recipe">
        <Table.Tbody>
          {Object.entries(config).map(([name, value]) => (
            <Table.Tr key={name}>
              <Table.Td>{name}</Table.Td>
              <Table.Td ta="right" style={{ overflowWrap: 'anywhere' }}>
                {visibleText(plainValue(value))}
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
      {runId !== null && <RecipeFiles source={{ kind: 'run', run_id: runId }} />}
    </details>
  )
}
