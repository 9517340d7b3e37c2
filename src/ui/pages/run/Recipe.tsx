import { Table } from '@mantine/core'
import { counted, visibleText } from '../../format'
import { plainValue } from '../../train/plainValue'
import { RecipeFiles } from '../../train/RecipeFiles'

interface RecipeProps {
  /** null where nothing was trained. */
  readonly runId: string | null
  readonly config: Readonly<Record<string, unknown>>
  readonly notes: readonly string[]
}
/** The settings of a run and the notes on them, folded. */
export function Recipe({ runId, config, notes }: RecipeProps) {
  return (
    <details>
      <summary>Recipe: {counted(Object.keys(config).length, 'setting')}</summary>
      {notes.length > 0 && (
        <ul>
          {notes.map((note) => (
            <li key={note}>{visibleText(note)}</li>
          ))}
        </ul>
      )}
      <Table withRowBorders={false} verticalSpacing={1} maw={560} aria-label="Recipe">
        <Table.Tbody>
          {Object.entries(config).map(([name, value]) => (
            <Table.Tr key={name}>
              <Table.Td>{name}</Table.Td>
              <Table.Td ta="right" style={{ overflowWrap: 'anywhere' }}>
                {visibleText(plainValue(value))}
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
      {runId !== null && <RecipeFiles source={{ kind: 'run', run_id: runId }} />}
    </details>
  )
}
