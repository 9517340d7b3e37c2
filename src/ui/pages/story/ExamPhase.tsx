import { Stack, Text } from '@mantine/core'
import { visibleText } from '../../format'
import { ChangeProof } from '../../story/ChangeProof'
import { ExamGrid, GridKey } from '../../story/ExamGrid'
import { PhaseSection } from '../../story/PhaseSection'
import classes from '../../story/story.module.css'
import { TrajectoryBrief } from '../../story/TrajectoryBrief'
import { ExamRate } from './ExamRate'
import { Sentence } from './Sentence'
import type { Story } from './useStory'
import { Writing } from './Writing'

interface ExamPhaseProps {
  readonly story: Story
  /** The query of the open cell. */
  readonly selected: string | null
  readonly onOpen: (queryId: string) => void
}

/** Phase 1: the exam before training, and one question the model gets wrong. */
export function BeforePhase({ story, selected, onOpen }: ExamPhaseProps) {
  const { runId, detail, job, exam, firstWrong } = story
  const state = story.state.before
  const working = state === 'working' ? job : null
  return (
    <PhaseSection number={1} title="Before" set="exam" about="The model sits the exam as it is." state={state} job={working}>
      <div className={classes.exam}>
        <Stack gap={12}>
          <ExamRate exam={exam.before} story={detail?.story ?? null} which="before" testId="rate-before" />
          <ExamGrid
            label="Exam before training"
            cells={exam.before.cells}
            total={exam.before.total}
            selected={selected}
            onOpen={onOpen}
            testId="exam-before"
          />
          <GridKey cells={exam.before.cells} />
        </Stack>
        {working && <Writing runId={runId} job={working} />}
        {!working && firstWrong?.trajectory_id && (
          <Stack gap={4} miw={0}>
            <Text fw={600}>One it gets wrong</Text>
            <Text c="dimmed">{visibleText(firstWrong.text)}</Text>
            <TrajectoryBrief trajectoryId={firstWrong.trajectory_id} runId={runId} />
          </Stack>
        )}
      </div>
    </PhaseSection>
  )
}

/** Phase 4: the same exam after training, and what came of it. */
export function AfterPhase({ story, selected, onOpen }: ExamPhaseProps) {
  const { runId, detail, job, exam } = story
  const state = story.state.after
  const working = state === 'working' ? job : null
  return (
    <PhaseSection number={4} title="After" set="exam" about="The same exam again; flips are outlined." state={state} job={working}>
      <div className={classes.exam}>
        <Stack gap={12}>
          <ExamRate exam={exam.after} story={detail?.story ?? null} which="after" testId="rate-after" />
          <ExamGrid
            label="Exam after training"
            cells={exam.after.cells}
            total={exam.after.total}
            before={exam.before.cells}
            selected={selected}
            onOpen={onOpen}
            testId="exam-after"
          />
          <GridKey cells={exam.after.cells} before={exam.before.cells} />
        </Stack>
        {working && <Writing runId={runId} job={working} />}
        {detail && (
          <Stack gap={12}>
            <Sentence detail={detail} exam={exam} />
            <ChangeProof detail={detail} job={job} />
          </Stack>
        )}
      </div>
    </PhaseSection>
  )
}
