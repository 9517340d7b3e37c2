import { Anchor, Group, Stack, Table, Text } from '@mantine/core'
import { Link } from 'wouter'
import { chosenPath } from '../../records/trajectory'
import type { Trajectory } from '../../records/trajectory'
import type { LabelState } from '../../worker/protocol'
import { formatNumber, visibleText } from '../format'
import { basisSentence, useStoredAdvantages } from '../labelling/useAdvantages'
import { hrefs } from '../navigation/hrefs'
import { signatureText } from '../trajectory/callSignature'
import { TokenHeat } from '../trajectory/TokenHeat'
import { Fold } from '../widgets/Fold'
import { StatusMark } from '../widgets/StatusMark'
import { Term } from '../widgets/Term'
import classes from './story.module.css'

/** One practice attempt: what each step earned, and the advantage of each token. */
export function PracticeExample({
  record,
  labels,
  runId,
}: {
  readonly record: Trajectory
  readonly labels: LabelState | undefined
  readonly runId: string
}) {
  const preview = useStoredAdvantages(record.trajectory_id).data
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
      {preview && (
        <Fold
          summary={
            <>
              The <Term of="advantage">advantage</Term> of each token
            </>
          }
        >
          {preview.basis && (
            <Text size="xs" c="dimmed">
              {basisSentence(preview.basis)}
            </Text>
          )}
          <TokenHeat preview={preview} trajectory={record} />
        </Fold>
      )}
    </Stack>
  )
}
