import { Checkbox, Table, Text } from '@mantine/core'
import { useMemo } from 'react'
import { visibleText } from '../../format'
import { Panel } from '../../widgets/Panel'
import { recipeRows } from './comparedRuns'
import { Swatch } from './Swatch'
import type { ComparedRuns } from './useComparedRuns'

interface RecipesProps extends ComparedRuns {
  readonly isOnlyDifferences: boolean
  readonly onOnlyDifferences: (isOnly: boolean) => void
}

/** The recipes, setting by setting. */
export function Recipes({ details, names: runNames, colours, isOnlyDifferences, onOnlyDifferences }: RecipesProps) {
  const rows = useMemo(() => recipeRows(details), [details])
  const shown = isOnlyDifferences ? rows.filter((row) => !row.same) : rows
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
      {shown.length === 0 ? (
        <Text p={12} c="dimmed">
          The recipes are the same.
        </Text>
      ) : (
        <Table.ScrollContainer minWidth={480} scrollAreaProps={{ viewportProps: { tabIndex: 0, 'aria-label': 'Recipes, scrollable' } }}>
          <Table aria-label="Recipes">
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
              {shown.map((row) => (
                <Table.Tr key={row.name}>
                  <Table.Td>{row.name}</Table.Td>
                  {row.values.map((value, index) => (
                    <Table.Td key={index} fw={row.same ? 400 : 600}>
                      {visibleText(value)}
                    </Table.Td>
                  ))}
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Table.ScrollContainer>
      )}
    </Panel>
  )
}
