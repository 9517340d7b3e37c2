/** Practice steps and what they earned; one of them with the advantage each of its tokens gets. */
import { Anchor, Group, Stack, Table, Text } from '@mantine/core'
import { memo, useEffect, useMemo, useRef } from 'react'
import { Link } from 'wouter'
import { chosenPath } from '../../records/trajectory'
import type { Trajectory } from '../../records/trajectory'
import type { LabelState } from '../../worker/protocol'
import type { StudioApi } from '../../worker/studioApi'
import { HistogramChart } from '../charts/HistogramChart'
import { formatCount, formatNumber, formatShare, visibleText } from '../format'
import { defaultAdvantageOptions } from '../labelling/useAdvantages'
import { NOTHING, useAnswer, useReply } from '../stores/answer'
import { hrefs } from '../stores/hrefs'
import { signatureText } from '../trajectory/callSignature'
import { TokenHeat } from '../trajectory/TokenHeat'
import { Fold } from '../widgets/Fold'
import { Loading, Numeric } from '../widgets/Panel'
import { StatusMark } from '../widgets/StatusMark'
import { Term } from '../widgets/Term'
import classes from './story.module.css'

/** Labels are asked for trajectory by trajectory: enough for a picture, and said so. */
const ASKED = 48

interface Practice {
  readonly trajectories: readonly Trajectory[]
  readonly labels: ReadonlyMap<string, LabelState>
}

async function askPractice(studio: StudioApi, runId: string): Promise<Practice> {
  const all = await studio.trajectories.list({ run_id: runId })
  const trajectories = all.filter((record) => record.task.split === 'practice')
  const asked = trajectories.slice(0, ASKED)
  const states = await Promise.all(asked.map((record) => studio.labels.get(record.trajectory_id)))
  return {
    trajectories,
    labels: new Map(asked.map((record, index) => [record.trajectory_id, states[index] ?? { opinions: [], resolved: [] }])),
  }
}

function mean(values: readonly number[]): number | null {
  return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length
}

function summaryOf({ labels }: Practice) {
  const rewards: number[] = []
  const success: number[] = []
  const contribution: number[] = []
  const sources = new Map<string, number>()
  let steps = 0
  for (const state of labels.values()) {
    steps += state.resolved.length
    for (const resolved of state.resolved) {
      if (resolved.value === null) continue
      rewards.push(resolved.value)
      const who = resolved.annotatorId ?? 'unknown'
      sources.set(who, (sources.get(who) ?? 0) + 1)
    }
    for (const row of state.opinions) {
      if (row.value === null) continue
      if (row.name === 'success') success.push(row.value)
      if (row.name === 'contribution') contribution.push(row.value)
    }
  }
  return { steps, rewards, success: mean(success), contribution: mean(contribution), sources: [...sources] }
}

/** The one with the most to see: steps of different worth, then the longest. */
function exampleOf({ trajectories, labels }: Practice): Trajectory | null {
  const spread = (record: Trajectory): number => {
    const values = (labels.get(record.trajectory_id)?.resolved ?? []).flatMap((one) => (one.value === null ? [] : [one.value]))
    return values.length < 2 ? -1 : Math.max(...values) - Math.min(...values) + values.length / 100
  }
  let best: Trajectory | null = null
  for (const record of trajectories.slice(0, ASKED)) if (!best || spread(record) > spread(best)) best = record
  return best
}

function Example({
  record,
  labels,
  runId,
}: {
  readonly record: Trajectory
  readonly labels: LabelState | undefined
  readonly runId: string
}) {
  const preview = useReply(`advantages ${record.trajectory_id}`, (studio) =>
    studio.labels.advantagePreview(record.trajectory_id, null, defaultAdvantageOptions),
  )
  return (
    <Stack gap={8} miw={0}>
      <Group justify="space-between" gap={8}>
        <Group gap={8}>
          <Text fw={600}>One of them</Text>
          <StatusMark status={record.status} />
        </Group>
        <Group gap={12}>
          <Anchor component={Link} size="xs" href={hrefs.label(record.trajectory_id, { run: runId })}>
            Label it yourself
          </Anchor>
          <Anchor component={Link} size="xs" href={hrefs.trajectory(record.trajectory_id, { run: runId })}>
            Open in the reader
          </Anchor>
        </Group>
      </Group>
      <Text c="dimmed">{visibleText(record.task.query)}</Text>
      <Table.ScrollContainer minWidth={420} scrollAreaProps={{ viewportProps: { tabIndex: 0, 'aria-label': 'Step rewards, scrollable' } }}>
        <Table aria-label="Step rewards of one practice trajectory">
          <Table.Thead>
            <Table.Tr>
              <Table.Th>step</Table.Th>
              <Table.Th ta="right">
                <Term of="success">success</Term>
              </Table.Th>
              <Table.Th ta="right">
                <Term of="contribution">contribution</Term>
              </Table.Th>
              <Table.Th ta="right">
                <Term of="reward">reward</Term>
              </Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {chosenPath(record).map(({ index, step }) => {
              const opinion = (name: string): string => {
                const value = labels?.opinions.findLast((row) => row.step === index && row.name === name)?.value
                return value === null || value === undefined ? '–' : formatNumber(value)
              }
              const reward = labels?.resolved[index]?.value
              return (
                <Table.Tr key={index}>
                  <Table.Td className={classes.call}>
                    {visibleText(step.call ? signatureText(step.call) : step.completion).slice(0, 90)}
                  </Table.Td>
                  <Table.Td ta="right">{opinion('success')}</Table.Td>
                  <Table.Td ta="right">{opinion('contribution')}</Table.Td>
                  <Table.Td ta="right">{reward === null || reward === undefined ? 'unlabelled' : formatNumber(reward)}</Table.Td>
                </Table.Tr>
              )
            })}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
      {preview.value && (
        <Fold
          summary={
            <>
              The <Term of="advantage">advantage</Term> of each token
            </>
          }
        >
          <TokenHeat preview={preview.value} trajectory={record} />
        </Fold>
      )}
    </Stack>
  )
}

function RewardsPhaseView({ runId, settled }: { readonly runId: string; readonly settled: boolean }) {
  const answer = useAnswer(runId === '' ? NOTHING : `practice ${runId}`, (studio) => askPractice(studio, runId))
  const { reload } = answer
  const practice = answer.value
  // Online methods go on practising: count again at the end.
  const wasSettled = useRef(settled)
  useEffect(() => {
    if (settled && !wasSettled.current) reload()
    wasSettled.current = settled
  }, [settled, reload])
  const summary = useMemo(() => (practice ? summaryOf(practice) : null), [practice])
  const example = useMemo(() => (practice ? exampleOf(practice) : null), [practice])
  const groups = useMemo(() => [{ name: 'steps', values: summary?.rewards ?? [], colour: 'var(--hone-series-1)' }], [summary])
  if (answer.error !== null) return <Text c="var(--hone-unsolved)">{answer.error}</Text>
  if (!practice || !summary) return <Loading label="Loading the practice" />
  if (practice.trajectories.length === 0) return <Text c="dimmed">Practice attempts appear here as soon as they are scored.</Text>
  const partial = practice.labels.size < practice.trajectories.length
  return (
    <div className={classes.columns}>
      {example && <Example record={example} labels={practice.labels.get(example.trajectory_id)} runId={runId} />}
      <Stack gap={8} miw={0}>
        <HistogramChart
          title="Step rewards"
          meaning="How many practice steps earned how much, 0 to 1."
          groups={groups}
          xLabel="reward"
          bins={10}
          testId="chart-step-rewards"
        />
        <Table withRowBorders={false} verticalSpacing={1} aria-label="Practice in numbers">
          <Table.Tbody>
            <Table.Tr>
              <Table.Td>Attempts</Table.Td>
              <Table.Td ta="right">{formatCount(practice.trajectories.length)}</Table.Td>
            </Table.Tr>
            <Table.Tr>
              <Table.Td>Steps labelled{partial ? `, of the first ${practice.labels.size} attempts` : ''}</Table.Td>
              <Table.Td ta="right">
                {formatCount(summary.rewards.length)} of {formatCount(summary.steps)}
              </Table.Td>
            </Table.Tr>
            <Table.Tr>
              <Table.Td>Calls that succeeded</Table.Td>
              <Table.Td ta="right">{summary.success === null ? '–' : formatShare(summary.success)}</Table.Td>
            </Table.Tr>
            <Table.Tr>
              <Table.Td>Mean contribution, 0 to 5</Table.Td>
              <Table.Td ta="right">{summary.contribution === null ? '–' : <Numeric>{summary.contribution.toFixed(2)}</Numeric>}</Table.Td>
            </Table.Tr>
            {summary.sources.map(([who, count]) => (
              <Table.Tr key={who}>
                <Table.Td>Rewards from {visibleText(who)}</Table.Td>
                <Table.Td ta="right">{formatCount(count)}</Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Stack>
    </div>
  )
}
export const RewardsPhase = memo(RewardsPhaseView)
