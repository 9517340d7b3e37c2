/** Practice steps and what they earned; one of them with the advantage each of its tokens gets. */
import { Stack, Text } from '@mantine/core'
import { memo, useMemo } from 'react'
import { HistogramChart } from '../charts/HistogramChart'
import { usePractice } from '../queries/trajectories'
import { Loading } from '../widgets/Panel'
import { PracticeExample } from './PracticeExample'
import { PracticeNumbers } from './PracticeNumbers'
import { exampleOf, summaryOf } from './practiceSummary'
import classes from './story.module.css'

/** Labels are asked for trajectory by trajectory: enough for a picture, and said so. */
const ASKED = 48

function RewardsPhaseView({ runId }: { readonly runId: string }) {
  const { data: practice, error } = usePractice(runId, ASKED)
  const summary = useMemo(() => (practice ? summaryOf(practice) : null), [practice])
  const example = useMemo(() => (practice ? exampleOf(practice) : null), [practice])
  const groups = useMemo(() => [{ name: 'steps', values: summary?.rewards ?? [], colour: 'var(--hone-series-1)' }], [summary])
  if (error !== null) return <Text c="var(--hone-unsolved)">{error}</Text>
  if (!practice || !summary) return <Loading label="Loading the practice" />
  if (practice.trajectories.length === 0) return <Text c="dimmed">Practice attempts appear here as soon as they are scored.</Text>
  return (
    <div className={classes.columns}>
      {example && <PracticeExample record={example} labels={practice.labels.get(example.trajectory_id)} runId={runId} />}
      <Stack gap={8} miw={0}>
        <HistogramChart
          title="Step rewards"
          meaning="How many practice steps earned how much, 0 to 1."
          groups={groups}
          xLabel="reward"
          bins={10}
          testId="chart-step-rewards"
        />
        <PracticeNumbers practice={practice} summary={summary} />
      </Stack>
    </div>
  )
}
export const RewardsPhase = memo(RewardsPhaseView)
