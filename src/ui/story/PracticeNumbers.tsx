import { Table } from '@mantine/core'
import { counted, formatCount, formatShare, visibleText } from '../format'
import type { Practice } from '../queries/trajectories'
import { Numeric } from '../widgets/Panel'
import type { PracticeSummary } from './practiceSummary'

interface PracticeNumbersProps {
  readonly practice: Practice
  readonly summary: PracticeSummary
}

/** Practice in numbers: attempts, labels, and who gave the rewards. */
export function PracticeNumbers({ practice, summary }: PracticeNumbersProps) {
  const partial = practice.labels.size < practice.trajectories.length
  return (
    <Table withRowBorders={false} verticalSpacing={1} aria-label="Practice in numbers">
      <Table.Tbody>
        <Table.Tr>
          <Table.Td>Attempts</Table.Td>
          <Table.Td ta="right">{formatCount(practice.trajectories.length)}</Table.Td>
        </Table.Tr>
        <Table.Tr>
          <Table.Td>Steps labelled{partial ? `, of the first ${counted(practice.labels.size, 'attempt')}` : ''}</Table.Td>
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
  )
}
