import { Checkbox, Table, Text } from '@mantine/core'
import { useMemo } from 'react'
import { counted, visibleText } from '../../format'
import { useDataNames } from '../../queries/datasets'
import { useRunNames } from '../../queries/runs'
import { useAlgorithm } from '../../stores/studio'
import { Panel } from '../../widgets/Panel'
import { fieldsFromSchema } from '../../widgets/schemaFields'
import { recipeRows, type RecipeRow } from './comparedRuns'
import { Swatch } from './Swatch'
import type { ComparedRuns } from './useComparedRuns'

interface RecipesProps extends ComparedRuns {
  readonly isOnlyDifferences: boolean
  readonly onOnlyDifferences: (isOnly: boolean) => void
}

/** The recipes, setting by setting; what only some of the methods have is folded away. */
export function Recipes({ isOnlyDifferences, onOnlyDifferences, ...compared }: RecipesProps) {
  const { details } = compared
  const algorithmOf = useAlgorithm()
  const dataNames = useDataNames()
  const runNames = useRunNames()
  const rows = useMemo(() => {
    const settingsOf = (name: string | null): readonly string[] =>
      fieldsFromSchema(algorithmOf(name)?.configSchema ?? {}).map((field) => field.name)
    return recipeRows(details, settingsOf, (id) => dataNames.get(id) ?? runNames.get(id) ?? id)
  }, [details, algorithmOf, dataNames, runNames])
  const differing = rows.filter((row) => !row.same)
  const shared = isOnlyDifferences ? differing : rows.filter((row) => !row.isOfSome || !row.same)
  const ofSome = rows.filter((row) => row.isOfSome && row.same)
  return (
    <Panel
      title="Recipes"
      flush
      aside={
        <Checkbox
          label="Differences only"
          checked={isOnlyDifferences}
          onChange={(event) => {
            onOnlyDifferences(event.currentTarget.checked)
          }}
        />
      }
    >
      {shared.length === 0 ? (
        <Text p={12} c="dimmed">
          The recipes are the same.
        </Text>
      ) : (
        <RecipeTable name="Recipes" rows={shared} {...compared} />
      )}
      {ofSome.length > 0 && (
        <details style={{ padding: 12 }}>
          <summary>{counted(ofSome.length, 'setting')} that only some of these methods have</summary>
          <RecipeTable name="Settings of some methods" rows={ofSome} {...compared} />
        </details>
      )}
    </Panel>
  )
}

function RecipeTable({
  name,
  rows,
  details,
  names: runNames,
  colours,
}: ComparedRuns & { readonly name: string; readonly rows: readonly RecipeRow[] }) {
  return (
    <Table.ScrollContainer minWidth={480} scrollAreaProps={{ viewportProps: { tabIndex: 0, 'aria-label': `${name}, scrollable` } }}>
      <Table aria-label={name}>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Setting</Table.Th>
            {details.map((detail, index) => (
              <Table.Th key={detail.run.run_id}>
                <Swatch colour={colours[index]} />
                {runNames[index]}
              </Table.Th>
            ))}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {rows.map((row) => (
            <Table.Tr key={row.name}>
              <Table.Td>{row.name}</Table.Td>
              {row.values.map((value, index) => (
                <Table.Td key={index} fw={row.same ? 400 : 600} style={{ overflowWrap: 'anywhere', maxWidth: 320 }}>
                  {visibleText(value)}
                </Table.Td>
              ))}
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  )
}
