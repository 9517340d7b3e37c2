import { Table } from '@mantine/core'
import { counted, visibleText } from '../../format'
import { RecipeFiles } from '../../train/RecipeFiles'
import { SettingValue, useKnownNames } from '../../train/SettingValue'
import { namedSentence } from '../../train/shownSettings'

interface RecipeProps {
  /** null where nothing was trained. */
  readonly runId: string | null
  readonly config: Readonly<Record<string, unknown>>
  readonly notes: readonly string[]
}
/** The settings of a run and the notes on them, folded. */
export function Recipe({ runId, config, notes }: RecipeProps) {
  const known = useKnownNames()
  return (
    <details>
      <summary>Recipe: {counted(Object.keys(config).length, 'setting')}</summary>
      {notes.length > 0 && (
        <ul>
          {notes.map((note) => (
            <li key={note}>{visibleText(namedSentence(note, known))}</li>
          ))}
        </ul>
      )}
      <Table withRowBorders={false} verticalSpacing={1} maw={560} aria-label="Recipe">
        <Table.Tbody>
          {Object.entries(config).map(([name, value]) => (
            <Table.Tr key={name}>
              <Table.Td>{name}</Table.Td>
              <Table.Td ta="right" style={{ overflowWrap: 'anywhere' }}>
                <SettingValue name={name} value={value} known={known} />
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
      {runId !== null && <RecipeFiles source={{ kind: 'run', run_id: runId }} />}
    </details>
  )
}
