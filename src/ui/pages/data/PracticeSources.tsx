/** What runs have practised, as data: to label, to train another run on, to save as a file. */
import { Button, Group, Menu, Table } from '@mantine/core'
import { Link } from 'wouter'
import { runOfSource } from '../../../records/dataSource'
import { ExportItems } from '../../dataset/ExportItems'
import { formatCount, formatWhen, nameText } from '../../format'
import { hrefs } from '../../navigation/hrefs'
import { useDataSources, type ExportRequest } from '../../queries/datasets'
import { VisibleText } from '../../trajectory/VisibleText'
import { Panel } from '../../widgets/Panel'

interface PracticeSourcesProps {
  readonly onExport: (source: { readonly id: string; readonly name: string }, format: ExportRequest['format']) => void
}

export function PracticeSources({ onExport }: PracticeSourcesProps) {
  const practice = (useDataSources().data ?? []).filter(({ kind }) => kind === 'practice')
  if (practice.length === 0) return null
  return (
    <div style={{ marginTop: 12 }}>
      <Panel title="Practice of runs" flush testId="practice-sources">
        <Table.ScrollContainer minWidth={520}>
          <Table fz="xs" verticalSpacing={6}>
            <Table.Thead>
              <Table.Tr>
                <Table.Th>Run</Table.Th>
                <Table.Th ta="right">Trajectories</Table.Th>
                <Table.Th ta="right">Steps</Table.Th>
                <Table.Th>
                  <span style={{ position: 'absolute', clipPath: 'inset(50%)' }}>What to do with it</span>
                </Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {practice.map((row) => (
                <Table.Tr key={row.id} data-source={row.id}>
                  <Table.Td style={{ overflowWrap: 'anywhere' }}>
                    <VisibleText text={row.name} most={200} /> · {formatWhen(row.created_at)}
                  </Table.Td>
                  <Table.Td ta="right">{formatCount(row.trajectories)}</Table.Td>
                  <Table.Td ta="right">{formatCount(row.steps)}</Table.Td>
                  <Table.Td>
                    <Group gap={6} justify="flex-end" wrap="nowrap">
                      <Button component={Link} href={hrefs.label(undefined, { run: runOfSource(row.id) })}>
                        Label
                      </Button>
                      <Button component={Link} href={hrefs.newRun({ data: row.id })}>
                        Train
                      </Button>
                      <Menu position="bottom-end">
                        <Menu.Target>
                          <Button aria-label={`More for ${nameText(row.name)}`}>…</Button>
                        </Menu.Target>
                        <Menu.Dropdown>
                          <ExportItems
                            onExport={(format) => {
                              onExport(row, format)
                            }}
                          />
                        </Menu.Dropdown>
                      </Menu>
                    </Group>
                  </Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Table.ScrollContainer>
      </Panel>
    </div>
  )
}
