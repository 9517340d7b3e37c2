/** What runs have practised, as data: to label, to train another run on, to save as a file. */
import { Button, Group, Menu, Text } from '@mantine/core'
import { Link } from 'wouter'
import { runOfSource } from '../../../records/dataSource'
import { ExportItems } from '../../dataset/ExportItems'
import { counted, formatCount, formatWhen, nameText } from '../../format'
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
        <ul style={{ listStyle: 'none', margin: 0, padding: 0 }}>
          {practice.map((row) => (
            <li key={row.id} data-source={row.id} style={{ borderTop: '1px solid var(--hone-line)', padding: '8px 12px' }}>
              <Group gap={8} justify="space-between">
                <div style={{ flex: '1 1 220px', minWidth: 0, overflowWrap: 'anywhere' }}>
                  <VisibleText text={row.name} most={200} />
                  <Text size="xs" c="dimmed">
                    {formatWhen(row.created_at)} ·{' '}
                    {row.trajectories === 1 ? '1 trajectory' : `${formatCount(row.trajectories)} trajectories`} ·{' '}
                    {counted(row.steps, 'step')}
                  </Text>
                </div>
                <Group gap={6}>
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
              </Group>
            </li>
          ))}
        </ul>
      </Panel>
    </div>
  )
}
