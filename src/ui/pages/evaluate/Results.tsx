/** The leaderboard of a query set, and two of its results side by side. */
import { Button, Tabs, Text } from '@mantine/core'
import type { EvaluationRecord } from '../../../records/evaluation'
import { downloadFile } from '../../downloadFile'
import { GroupTable } from '../../evaluation/GroupTable'
import { Leaderboard } from '../../evaluation/Leaderboard'
import { leaderboardCsv } from '../../evaluation/leaderboardCsv'
import { PairedPanel } from '../../evaluation/PairedPanel'
import { Panel } from '../../widgets/Panel'
import { BudgetCurves } from './BudgetCurves'
import { evaluateUrl, type EvaluateUrl } from './evaluateUrl'
import { useComparison } from './useComparison'

export function Results({
  records,
  ofRun,
  url,
  setUrl,
}: {
  readonly records: readonly EvaluationRecord[]
  /** The exams of the run that the address names. */
  readonly ofRun: readonly string[]
  readonly url: EvaluateUrl
  readonly setUrl: (patch: Partial<EvaluateUrl>) => void
}) {
  const { rows, before, after, budget } = useComparison(records, url, ofRun)
  if (!before) return null
  return (
    <>
      <Panel
        title="Leaderboard"
        flush
        aside={
          <Button
            onClick={() => {
              downloadFile('hone-leaderboard.csv', leaderboardCsv(rows), 'text/csv')
            }}
          >
            Download as CSV
          </Button>
        }
      >
        <Leaderboard
          rows={rows}
          baseline={before.record.evaluation_id}
          after={after?.record.evaluation_id ?? ''}
          budget={budget}
          onBaseline={(id) => {
            setUrl({ before: id })
          }}
          onAfter={(id) => {
            setUrl({ after: id })
          }}
        />
      </Panel>
      <div style={{ height: 12 }} />
      <Panel title={after ? `${before.record.title} → ${after.record.title}` : before.record.title}>
        <Tabs
          value={url.tab}
          onChange={(tab) => {
            setUrl({ tab: evaluateUrl.shape.tab.parse(tab) })
          }}
        >
          <Tabs.List mb={12}>
            <Tabs.Tab value="paired">Before and after</Tabs.Tab>
            <Tabs.Tab value="groups">By group</Tabs.Tab>
            <Tabs.Tab value="budget">Success versus budget</Tabs.Tab>
            <Tabs.Tab value="published">Published</Tabs.Tab>
          </Tabs.List>
          <Tabs.Panel value="paired">
            {after ? (
              <PairedPanel key={`${before.record.evaluation_id} ${after.record.evaluation_id}`} before={before} after={after} />
            ) : (
              <Text>There is no second result to compare with. Evaluate another model or adapter on the same set.</Text>
            )}
          </Tabs.Panel>
          <Tabs.Panel value="groups">
            <GroupTable before={before} after={after} budget={budget} />
          </Tabs.Panel>
          <Tabs.Panel value="budget">
            <BudgetCurves records={records} />
          </Tabs.Panel>
        </Tabs>
      </Panel>
    </>
  )
}
