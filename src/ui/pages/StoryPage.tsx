/** The run story: fills in top to bottom while it works, and is the shareable record afterwards. */
import { Button, Group, Stack, Text, VisuallyHidden } from '@mantine/core'
import { useCallback, useDeferredValue, useEffect, useMemo, useState } from 'react'
import { useParams } from 'wouter'
import type { ExamCell, JobSnapshot, RunDetail, StoryResult } from '../../worker/protocol'
import { JobControls } from '../layout/JobPill'
import { formatWhen, visibleText } from '../format'
import { useReply } from '../stores/answer'
import { loadExam, useExam } from '../stores/exams'
import { isActive, useJobOfRun, useWritingNow } from '../stores/jobs'
import { useUrlState } from '../stores/location'
import { loadMetrics } from '../stores/metricHistory'
import { useMethodTitle, useRecording, useStudio } from '../stores/studio'
import { ChangeProof } from '../story/ChangeProof'
import { CellDrawer } from '../story/CellDrawer'
import { ExamGrid, GridKey } from '../story/ExamGrid'
import { NextActions } from '../story/NextActions'
import { PhaseSection } from '../story/PhaseSection'
import { RewardsPhase } from '../story/RewardsPhase'
import { startStory } from '../story/startStory'
import { meanCalls, phaseState, rateOfCells, storySentence } from '../story/storyModel'
import { TrainingPhase } from '../story/TrainingPhase'
import { TrajectoryBrief } from '../story/TrajectoryBrief'
import { Loading, PageHead, PrimaryButton } from '../widgets/Panel'
import { ErrorPanel } from '../widgets/ProblemList'
import { WatchRecordedRun } from '../widgets/NoGpu'
import { RateBar, RateNumber } from '../widgets/RateBar'
import type { RateCircumstances } from '../widgets/RateBar'
import classes from '../story/story.module.css'

const urlSchema = {
  safeParse(value: unknown) {
    const cell = typeof value === 'object' && value !== null && 'cell' in value && typeof value.cell === 'string' ? value.cell : ''
    return { success: true, data: { cell } } as const
  },
}

function Rate({
  cells,
  total,
  story,
  which,
  testId,
}: {
  readonly cells: readonly ExamCell[]
  readonly total: number
  readonly story: StoryResult | null
  readonly which: 'before' | 'after'
  readonly testId: string
}) {
  const recorded = which === 'before' ? story?.beforeRate : story?.afterRate
  const rate = recorded ?? rateOfCells(cells)
  const record = which === 'before' ? story?.before : story?.after
  const about: RateCircumstances = { set: 'exam', budget: record?.call_budget ?? null, judge: record?.judge ?? null }
  if (rate.n === 0) return null
  return (
    <Group gap={12} align="center" wrap="nowrap">
      <span className={classes.rate} data-testid={testId}>
        {rate.passed} of {rate.n}
      </span>
      <div style={{ width: 200 }}>
        <RateBar rate={rate} about={about} />
        <Text size="xs" c="dimmed">
          <RateNumber rate={rate} about={about} />
          {rate.n < total && ` so far, of ${total}`}
        </Text>
      </div>
    </Group>
  )
}

function Sentence({
  detail,
  before,
  after,
}: {
  readonly detail: RunDetail
  readonly before: readonly ExamCell[]
  readonly after: readonly ExamCell[]
}) {
  const studio = useStudio()
  const recording = useRecording()
  const [problem, setProblem] = useState<string | null>(null)
  const story = detail.story
  if (!story?.afterRate || !story.difference) return null
  const sentence = storySentence(story.beforeRate, story.afterRate, story.difference, [meanCalls(before), meanCalls(after)])
  const { run } = detail
  return (
    <Stack gap={12}>
      <div role="status">
        <Text className={classes.sentence} size="lg" fw={600} data-testid="story-sentence">
          {sentence.numbers}
          {sentence.verdict !== null && ` ${sentence.verdict}`}
        </Text>
        {detail.run.adapter?.isSoftware === true && sentence.verdict !== null && (
          <Text c="dimmed">A small run on the processor: gains this small are usually noise.</Text>
        )}
      </div>
      {sentence.verdict !== null && !recording && (
        <Group gap={8}>
          <PrimaryButton
            onClick={() => {
              void startStory(studio, {
                kind: 'story',
                seed: run.seed + 1,
                size: 'gpu',
                ...(run.algorithm === null ? {} : { algorithm: run.algorithm }),
              }).then(setProblem)
            }}
          >
            Train longer
          </PrimaryButton>
          {problem !== null && <Text c="var(--hone-unsolved)">{problem}</Text>}
        </Group>
      )}
      <NextActions run={run} />
    </Stack>
  )
}

function Writing({ runId, job }: { readonly runId: string; readonly job: JobSnapshot }) {
  const text = useWritingNow(runId)
  if (text === '') return <Text c="dimmed">{visibleText(job.message)}</Text>
  return (
    <div>
      <Text size="xs" c="dimmed">
        {visibleText(job.message === '' ? 'Writing now' : job.message)}
      </Text>
      <pre className={classes.writing} aria-hidden="true">
        {visibleText(text)}
      </pre>
    </div>
  )
}

function jobOf(phase: JobSnapshot | null, state: string): JobSnapshot | null {
  return state === 'working' ? phase : null
}

export default function StoryPage() {
  const { runId } = useParams<{ runId: string }>()
  const current = useJobOfRun(runId)
  // A new phase mounts charts and tables: drawn in slices.
  const job = useDeferredValue(current)
  const methodTitle = useMethodTitle()
  const atWork = job !== null && isActive(job)
  // The record is asked again when the job changes phase: what it holds grows by phase.
  const answer = useReply(`run ${runId} ${job?.phase ?? ''} ${job?.state ?? ''}`, (studio) => studio.runs.get(runId))
  const [shown, setShown] = useState<RunDetail | null>(null)
  if (answer.value && answer.value !== shown) setShown(answer.value)
  const detail = shown?.run.run_id === runId ? shown : null
  const exam = useExam(runId)
  const [url, setUrl] = useUrlState(urlSchema)
  useEffect(() => {
    if (!detail) return
    loadExam(detail)
    loadMetrics(detail.run, detail.metrics)
  }, [detail, runId])
  const open = useCallback(
    (queryId: string) => {
      setUrl({ cell: queryId })
    },
    [setUrl],
  )
  const cellBefore = useMemo(() => exam.before.cells.find((cell) => cell.query_id === url.cell), [exam.before, url.cell])
  const cellAfter = useMemo(() => exam.after.cells.find((cell) => cell.query_id === url.cell), [exam.after, url.cell])
  const firstWrong = useMemo(
    () => exam.before.cells.find((cell) => cell.status === 'unsolved' && cell.trajectory_id !== null),
    [exam.before],
  )

  if (!detail && !job) {
    if (answer.error === null) return <Loading label="Loading the run" lines={6} />
    return (
      <Stack gap={12}>
        <PageHead title="Run story" />
        <ErrorPanel title="This run cannot be shown." actions={<WatchRecordedRun />}>
          {answer.error}
        </ErrorPanel>
      </Stack>
    )
  }

  const run = detail?.run ?? null
  const state = {
    before: phaseState('before', job, detail),
    rewards: phaseState('rewards', job, detail),
    training: phaseState('training', job, detail),
    after: phaseState('after', job, detail),
  }
  const failure = job?.error ?? run?.error ?? null
  const about = [
    methodTitle(run?.algorithm ?? null) ?? '',
    run?.model.id ?? '',
    run ? `seed ${run.seed}` : '',
    run ? formatWhen(run.created_at) : '',
  ]
    .filter((part) => part !== '')
    .join(' · ')
  const selected = url.cell === '' ? null : url.cell
  return (
    <Stack gap={12}>
      <PageHead
        title={visibleText(run?.title ?? job?.title ?? 'Run story')}
        about={about}
        actions={
          job && atWork ? (
            <Group gap={4}>
              {job.state === 'paused' && <Text c="dimmed">paused</Text>}
              <JobControls job={job} />
            </Group>
          ) : undefined
        }
      />
      {failure !== null && (
        <ErrorPanel title="The run stopped before its end." details={failure}>
          What was measured until then is kept below.
        </ErrorPanel>
      )}
      {job?.phase === 'starting' && atWork && (
        <Text c="dimmed">{visibleText(job.message === '' ? 'Loading the starter model and planning its buffers.' : job.message)}</Text>
      )}

      <PhaseSection
        number={1}
        title="Before"
        set="exam"
        about="The starter model sits the exam."
        state={state.before}
        job={jobOf(job, state.before)}
      >
        <div className={classes.exam}>
          <Stack gap={12}>
            <Rate cells={exam.before.cells} total={exam.before.total} story={detail?.story ?? null} which="before" testId="rate-before" />
            <ExamGrid
              label="Exam before training"
              cells={exam.before.cells}
              total={exam.before.total}
              selected={selected}
              onOpen={open}
              testId="exam-before"
            />
            <GridKey cells={exam.before.cells} />
          </Stack>
          {state.before === 'working' && job && <Writing runId={runId} job={job} />}
          {state.before !== 'working' && firstWrong?.trajectory_id && (
            <Stack gap={4} miw={0}>
              <Text fw={600}>One it gets wrong</Text>
              <Text c="dimmed">{visibleText(firstWrong.text)}</Text>
              <TrajectoryBrief trajectoryId={firstWrong.trajectory_id} runId={runId} />
            </Stack>
          )}
        </div>
      </PhaseSection>

      <PhaseSection
        number={2}
        title="Rewards"
        set="practice"
        about="Other questions are tried; every step is scored."
        state={state.rewards}
        job={jobOf(job, state.rewards)}
      >
        {state.rewards === 'working' && job ? <Writing runId={runId} job={job} /> : <RewardsPhase runId={runId} settled={!atWork} />}
      </PhaseSection>

      <PhaseSection
        number={3}
        title="Training"
        set="practice"
        about="The scored steps change the adapter."
        state={state.training}
        job={jobOf(job, state.training)}
      >
        <TrainingPhase runId={runId} algorithm={run?.algorithm ?? null} meanings={detail?.metricMeanings ?? {}} />
      </PhaseSection>

      <PhaseSection
        number={4}
        title="After"
        set="exam"
        about="The same exam again; flips are outlined."
        state={state.after}
        job={jobOf(job, state.after)}
      >
        <div className={classes.exam}>
          <Stack gap={12}>
            <Rate cells={exam.after.cells} total={exam.after.total} story={detail?.story ?? null} which="after" testId="rate-after" />
            <ExamGrid
              label="Exam after training"
              cells={exam.after.cells}
              total={exam.after.total}
              before={exam.before.cells}
              selected={selected}
              onOpen={open}
              testId="exam-after"
            />
            <GridKey cells={exam.after.cells} before={exam.before.cells} />
          </Stack>
          {state.after === 'working' && job && <Writing runId={runId} job={job} />}
          {detail && (
            <Stack gap={12}>
              <Sentence detail={detail} before={exam.before.cells} after={exam.after.cells} />
              <ChangeProof detail={detail} job={job} />
            </Stack>
          )}
        </div>
      </PhaseSection>

      {run && run.notes.length > 0 && (
        <details>
          <summary>{run.notes.length === 1 ? '1 note' : `${run.notes.length} notes`} on this run</summary>
          <ul>
            {run.notes.map((note) => (
              <li key={note}>{visibleText(note)}</li>
            ))}
          </ul>
        </details>
      )}
      <VisuallyHidden role="status">{job ? `${job.title}: ${job.state}, phase ${job.phase}.` : ''}</VisuallyHidden>
      {url.cell !== '' && (
        <CellDrawer
          runId={runId}
          before={cellBefore}
          after={cellAfter}
          close={() => {
            setUrl({ cell: '' })
          }}
        />
      )}
      {state.after === 'waiting' && !atWork && (
        <Button component="a" href="#/">
          Back home
        </Button>
      )}
    </Stack>
  )
}
