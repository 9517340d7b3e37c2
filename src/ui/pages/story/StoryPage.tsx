/** The run story: fills in top to bottom while it works, and is the shareable record afterwards. */
import { Button, Group, Stack, Text, VisuallyHidden } from '@mantine/core'
import { useCallback, useMemo } from 'react'
import { useParams } from 'wouter'
import { z } from 'zod'
import type { RunRecord } from '../../../records/run'
import { counted, visibleText } from '../../format'
import { JobControls } from '../../layout/JobControls'
import { useUrlState } from '../../navigation/location'
import { useActiveJob } from '../../queries/jobs'
import { useRecording } from '../../stores/studio'
import { CellDrawer } from '../../story/CellDrawer'
import { PhaseSection } from '../../story/PhaseSection'
import { RewardsPhase } from '../../story/RewardsPhase'
import { TrainingPhase } from '../../story/TrainingPhase'
import { useStartStory } from '../../story/useStartStory'
import { ResumeRun } from '../../train/ResumeRun'
import { useRunAbout } from '../../train/useRunAbout'
import { useRunCommands, type RunCommands } from '../../train/useRunCommands'
import { WatchRecordedRun } from '../../widgets/NoGpu'
import { Loading, PageHead } from '../../widgets/Panel'
import { ErrorPanel } from '../../widgets/ProblemList'
import { AfterPhase, BeforePhase } from './ExamPhase'
import { useStory, type Story } from './useStory'
import { Writing } from './Writing'

const urlSchema = z.object({ cell: z.string().default('') })

export default function StoryPage() {
  const { runId } = useParams<{ runId: string }>()
  const story = useStory(runId)
  const { detail, job, exam, state, isRunning, error } = story
  const [url, setUrl] = useUrlState(urlSchema)
  const open = useCallback(
    (queryId: string) => {
      setUrl({ cell: queryId })
    },
    [setUrl],
  )
  const cellBefore = useMemo(() => exam.before.cells.find((cell) => cell.query_id === url.cell), [exam.before, url.cell])
  const cellAfter = useMemo(() => exam.after.cells.find((cell) => cell.query_id === url.cell), [exam.after, url.cell])
  if (!detail && !job) {
    if (error === null) return <Loading label="Loading the run" lines={6} />
    return (
      <Stack gap={12}>
        <PageHead title="Run story" />
        <ErrorPanel title="This run cannot be shown." actions={<WatchRecordedRun />}>
          {error}
        </ErrorPanel>
      </Stack>
    )
  }
  const run = detail?.run ?? null
  const selected = url.cell === '' ? null : url.cell
  return (
    <Stack gap={12}>
      <StoryHead story={story} />
      <BeforePhase story={story} selected={selected} onOpen={open} />
      <PhaseSection
        number={2}
        title="Rewards"
        set="practice"
        about="Other questions are tried; every step is scored."
        state={state.rewards}
        job={state.rewards === 'working' ? job : null}
      >
        {state.rewards === 'working' && job ? <Writing runId={runId} job={job} /> : <RewardsPhase runId={runId} />}
      </PhaseSection>
      <PhaseSection
        number={3}
        title="Training"
        set="practice"
        about="The scored steps change the adapter."
        state={state.training}
        job={state.training === 'working' ? job : null}
      >
        <TrainingPhase runId={runId} algorithm={run?.algorithm ?? null} meanings={detail?.metricMeanings ?? {}} />
      </PhaseSection>
      <AfterPhase story={story} selected={selected} onOpen={open} />
      {run && <Notes notes={run.notes} />}
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
      {state.after === 'waiting' && !isRunning && (
        <Button component="a" href="#/">
          Back home
        </Button>
      )}
    </Stack>
  )
}

/** The title, the controls while it runs, and why it stopped where it did. */
function StoryHead({ story: { detail, job, isRunning } }: { readonly story: Story }) {
  const run = detail?.run ?? null
  const about = useRunAbout(run)
  const commands = useRunCommands({ run_id: run?.run_id ?? '' })
  const failure = job?.error ?? run?.error ?? null
  return (
    <>
      <PageHead
        title={visibleText(run?.title ?? job?.title ?? 'Run story')}
        about={about}
        actions={
          job && isRunning ? (
            <Group gap={4}>
              {job.state === 'paused' && <Text c="dimmed">paused</Text>}
              <JobControls job={job} />
            </Group>
          ) : (
            run && <GoOn run={run} commands={commands} />
          )
        }
      />
      {commands.error !== null && (
        <Text c="var(--hone-unsolved)" role="alert">
          {commands.error}
        </Text>
      )}
      {failure !== null && (
        <ErrorPanel title="The run stopped before its end." details={failure}>
          What was measured until then is stored and shown below.
        </ErrorPanel>
      )}
      {job?.phase === 'starting' && isRunning && (
        <Text c="dimmed">{visibleText(job.message === '' ? 'Loading the model and planning its buffers.' : job.message)}</Text>
      )}
    </>
  )
}

/** A story that was interrupted, by a reload say, goes on from its checkpoint, or begins again where it left none. */
function GoOn({ run, commands }: { readonly run: RunRecord; readonly commands: RunCommands }) {
  const recording = useRecording()
  const story = useStartStory()
  const busy = useActiveJob() !== null
  if (recording !== null || run.status === 'finished') return null
  if (run.checkpoint) return <ResumeRun run={run} commands={commands} />
  return (
    <Button
      disabled={busy || story.isStarting}
      onClick={() => {
        story.start({ kind: 'story', seed: run.seed, size: null })
      }}
    >
      Start a new story
    </Button>
  )
}

function Notes({ notes }: { readonly notes: readonly string[] }) {
  if (notes.length === 0) return null
  return (
    <details>
      <summary>{counted(notes.length, 'note')} on this run</summary>
      <ul>
        {notes.map((note) => (
          <li key={note}>{visibleText(note)}</li>
        ))}
      </ul>
    </details>
  )
}
