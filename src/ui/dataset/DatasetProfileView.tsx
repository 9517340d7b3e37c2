import { Anchor, Table, Text } from '@mantine/core'
import { useMemo } from 'react'
import { Link } from 'wouter'
import type { Trajectory } from '../../records/trajectory'
import type { LabelState } from '../../worker/protocol'
import { HistogramChart } from '../charts/HistogramChart'
import { counted, formatCount } from '../format'
import { hrefs } from '../navigation/hrefs'
import { facetOfTool } from '../trajectory/trajectoryFilter'
import { VisibleText } from '../trajectory/VisibleText'
import { Panel } from '../widgets/Panel'
import classes from './dataset.module.css'
import { datasetProfile } from './profile'

const SHOWN = 12

export function DatasetProfileView({
  trajectories,
  labels,
  datasetId,
}: {
  readonly trajectories: readonly Trajectory[]
  readonly labels: ReadonlyMap<string, LabelState>
  readonly datasetId: string
}) {
  const profile = useMemo(() => datasetProfile(trajectories), [trajectories])
  const rewards = useMemo(
    () =>
      trajectories.flatMap(
        (one) => labels.get(one.trajectory_id)?.resolved.flatMap((reward) => (reward.value === null ? [] : [reward.value])) ?? [],
      ),
    [trajectories, labels],
  )
  const one = (name: string, values: readonly number[]) => [{ name, values, colour: 'var(--hone-series-1)' }]
  return (
    <div className={classes.profile}>
      <HistogramChart title="Steps per trajectory" xLabel="steps" groups={one('trajectories', profile.stepsPerTrajectory)} />
      <HistogramChart
        title="Rewards"
        meaning="The resolved reward of each labelled step: a person’s first, then rules, judges and what the file brought."
        xLabel="reward"
        bins={10}
        groups={one('steps', rewards)}
      />
      <HistogramChart
        title="Length of a step"
        meaning="Characters the model wrote in a step. Tokens are in ‘First batch’."
        xLabel="characters"
        groups={one('steps', profile.stepCharacters)}
      />
      <HistogramChart
        title="Length of the prompts"
        meaning="Characters of everything the model reads in a trajectory."
        xLabel="characters"
        groups={one('trajectories', profile.promptCharacters)}
      />
      <Panel title={`Tools called (${formatCount(profile.tools.length)})`} order={3} flush>
        <Table fz="xs">
          <Table.Tbody>
            {profile.tools.slice(0, SHOWN).map((tool) => (
              <Table.Tr key={tool.name}>
                <Table.Td style={{ overflowWrap: 'anywhere' }}>
                  <Anchor component={Link} href={hrefs.trajectories({ dataset: datasetId, tool: facetOfTool(tool.name) })} size="xs">
                    <VisibleText text={tool.name || '(no name)'} most={200} />
                  </Anchor>
                </Table.Td>
                <Table.Td ta="right" ff="monospace">
                  {formatCount(tool.count)}
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
        {profile.tools.length > SHOWN && (
          <Text size="xs" c="dimmed" p={8}>
            and {profile.tools.length - SHOWN} more
          </Text>
        )}
      </Panel>
      <Panel title={`Duplicates (${formatCount(profile.duplicates.length)} groups)`} order={3}>
        {profile.duplicates.length === 0 ? (
          <Text size="xs" c="dimmed">
            No two trajectories have the same question and the same steps.
          </Text>
        ) : (
          profile.duplicates.slice(0, SHOWN).map((group) => (
            <Text key={group.join()} size="xs" ff="monospace" style={{ overflowWrap: 'anywhere' }}>
              <VisibleText text={group.slice(0, 6).join(' = ')} most={600} />
              {group.length > 6 && ` and ${group.length - 6} more`}
            </Text>
          ))
        )}
        <Text size="xs" mt={8}>
          {formatCount(profile.withoutCall)} of {counted(profile.steps, 'step')} hold no readable call.
        </Text>
      </Panel>
    </div>
  )
}
