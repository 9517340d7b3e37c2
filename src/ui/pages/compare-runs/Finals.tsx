import { Anchor, Table } from '@mantine/core'
import { Link } from 'wouter'
import { formatNumber } from '../../format'
import { runHref } from '../../navigation/runHref'
import { useEvaluations } from '../../queries/evaluations'
import { finalsOf } from '../../train/finals'
import { Panel } from '../../widgets/Panel'
import { RateNumber } from '../../widgets/RateBar'
import { Swatch } from './Swatch'
import type { ComparedRuns } from './useComparedRuns'

/** How each run ended: its steps, the last value of the metric, its last exam. */
export function Finals({ details, names: runNames, colours, metric }: ComparedRuns & { readonly metric: string | null }) {
  const evaluations = useEvaluations().data ?? []
  return (
    <Panel title="How they ended" flush>
      <Table.ScrollContainer minWidth={480} scrollAreaProps={{ viewportProps: { tabIndex: 0, 'aria-label': 'Finals, scrollable' } }}>
        <Table aria-label="Finals">
          <Table.Thead>
            <Table.Tr>
              <Table.Th>Run</Table.Th>
              <Table.Th ta="right">Steps</Table.Th>
              <Table.Th ta="right">Last {metric ?? 'metric'}</Table.Th>
              <Table.Th ta="right">Exam, last</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {details.map((detail, index) => {
              const last = metric === null ? undefined : detail.metrics.columns[metric]?.findLast((value) => value !== null)
              const final = finalsOf(detail.run, evaluations).at(-1)
              return (
                <Table.Tr key={detail.run.run_id}>
                  <Table.Td>
                    <Swatch colour={colours[index]} />
                    <Anchor component={Link} href={runHref(detail.run)}>
                      {runNames[index]}
                    </Anchor>
                  </Table.Td>
                  <Table.Td ta="right">{detail.run.steps_done}</Table.Td>
                  <Table.Td ta="right">{last === undefined ? '–' : formatNumber(last)}</Table.Td>
                  <Table.Td ta="right">
                    {final ? (
                      <RateNumber
                        rate={final.rate}
                        about={{ set: final.record.split, budget: final.record.call_budget, judge: final.record.judge }}
                      />
                    ) : (
                      '–'
                    )}
                  </Table.Td>
                </Table.Tr>
              )
            })}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
    </Panel>
  )
}
