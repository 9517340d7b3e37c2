import { Anchor, Table, Text } from '@mantine/core'
import { Link } from 'wouter'
import { stepsOf, type Trajectory } from '../../../records/trajectory'
import { counted, visibleText } from '../../format'
import { hrefs } from '../../navigation/hrefs'
import { useTrajectories } from '../../queries/trajectories'
import { Panel } from '../../widgets/Panel'
import { RecordBoundary } from '../../widgets/RecordBoundary'
import { StatusMark } from '../../widgets/StatusMark'

const SAMPLES = 12
const COLUMNS = 3

/** The newest attempts of a run. @param expected the run practises, so there will be some; one that learns from files samples none. */
export function Samples({ runId, expected }: { readonly runId: string; readonly expected: boolean }) {
  const rows = (useTrajectories({ kind: 'run', id: runId }).data ?? []).slice(-SAMPLES).reverse()
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
          The trajectories that the run samples appear here.
        </Text>
      ) : (
        <Table aria-label="Sampled trajectories">
          <Table.Tbody>
            {rows.map((record) => (
              <RecordBoundary
                key={record.trajectory_id}
                kind="Trajectory"
                name={record.task.query}
                id={record.trajectory_id}
                columns={COLUMNS}
              >
                <Sample record={record} runId={runId} />
              </RecordBoundary>
            ))}
          </Table.Tbody>
        </Table>
      )}
    </Panel>
  )
}

function Sample({ record, runId }: { readonly record: Trajectory; readonly runId: string }) {
  return (
    <Table.Tr>
      <Table.Td w={28}>
        <StatusMark status={record.status} quiet />
      </Table.Td>
      <Table.Td>
        <Anchor component={Link} href={hrefs.trajectory(record.trajectory_id, { run: runId })}>
          {visibleText(record.task.query)}
        </Anchor>
      </Table.Td>
      <Table.Td ta="right" style={{ whiteSpace: 'nowrap' }}>
        {counted(stepsOf(record).length, 'step')}
      </Table.Td>
    </Table.Tr>
  )
}
