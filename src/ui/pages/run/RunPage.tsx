/** A run while it trains or afterwards: its progress, its curves, the trajectories it sampled, its recipe. */
import { Anchor, Button, Stack } from '@mantine/core'
import { useEffect, useMemo } from 'react'
import { Link, useParams } from 'wouter'
import { alarmsOf } from '../../../records/alarms'
import { settingsInEffect, type RunRecord } from '../../../records/run'
import { visibleText } from '../../format'
import { runHref } from '../../navigation/runHref'
import { useJobOfRun } from '../../queries/jobs'
import { useRun } from '../../queries/runs'
import { loadMetrics, useMetrics } from '../../stores/metricHistory'
import { useAlgorithm } from '../../stores/studio'
import { ChangeProof } from '../../story/ChangeProof'
import { AlarmsPanel } from '../../train/AlarmsPanel'
import { MergedPanel } from '../../train/MergedPanel'
import { Loading, PageHead, Panel } from '../../widgets/Panel'
import { ErrorPanel } from '../../widgets/ProblemList'
import { MetricsPanel } from './MetricsPanel'
import { Recipe } from './Recipe'
import { RunHead } from './RunHead'
import { Samples } from './Samples'

export default function RunPage() {
  const { runId } = useParams<{ runId: string }>()
  return <RunView key={runId} runId={runId} />
}

function RunView({ runId }: { readonly runId: string }) {
  const job = useJobOfRun(runId)
  const { data: detail, error, refetch } = useRun(runId)
  const run = detail?.run ?? null
  const algorithm = useAlgorithm()(run?.algorithm ?? null)
  const metrics = useMetrics(runId)
  const alarms = useMemo(() => alarmsOf(metrics, algorithm?.alarmsOff), [metrics, algorithm])
  useEffect(() => {
    if (detail) loadMetrics(detail.run, detail.metrics)
  }, [detail])
  if (!detail && !job) {
    if (error === null) return <Loading label="Loading the run" lines={6} />
    return (
      <Stack gap={12}>
        <PageHead title="Run" />
        <ErrorPanel title="This run cannot be shown.">{error}</ErrorPanel>
      </Stack>
    )
  }
  const failure = job?.error ?? run?.error ?? null
  return (
    <Stack gap={12}>
      <RunHead run={run} job={job} />
      {failure !== null && <Failure sentence={failure} />}
      {run?.status === 'paused' && run.pause_reason && <ErrorPanel title="The run is paused.">{visibleText(run.pause_reason)}</ErrorPanel>}
      {detail?.elsewhere !== undefined && (
        <ErrorPanel
          title={`This run is at work ${visibleText(detail.elsewhere)}.`}
          actions={
            <Button size="compact-xs" onClick={refetch}>
              Read it again
            </Button>
          }
        >
          Here it can be read, not changed: pause and cancel are where it is at work. What is below was stored a moment ago.
        </ErrorPanel>
      )}
      {run && <MergedPanel run={run} />}
      <AlarmsPanel alarms={alarms} />
      {run?.kind === 'evaluate' && <ItsResult run={run} />}
      {run?.kind !== 'evaluate' && run?.kind !== 'rollout' && (
        <MetricsPanel
          runId={runId}
          metrics={metrics}
          algorithm={algorithm}
          meanings={detail?.metricMeanings ?? {}}
          alarms={alarms}
          isOver={run !== null && run.finished_at !== null && job === null}
        />
      )}
      <Samples runId={runId} expected={run === null || run.data.length === 0} />
      {detail && <ChangeProof detail={detail} job={job} />}
      {run && <Recipe runId={run.algorithm === null ? null : run.run_id} config={settingsInEffect(run)} notes={run.notes} />}
    </Stack>
  )
}

/** An evaluation has no curves: what it found is on another page. */
function ItsResult({ run }: { readonly run: RunRecord }) {
  return (
    <Panel title="Result">
      <Anchor component={Link} href={runHref(run)}>
        Its result is on Evaluate
      </Anchor>
    </Panel>
  )
}

function Failure({ sentence }: { readonly sentence: string }) {
  const saysWhatIsKept = /\b(kept|stored|saved)\b/.test(sentence)
  return (
    <ErrorPanel title="The run stopped before its end.">
      {visibleText(sentence)}
      {!saysWhatIsKept && ' Its metrics and checkpoints until then are stored.'}
    </ErrorPanel>
  )
}
