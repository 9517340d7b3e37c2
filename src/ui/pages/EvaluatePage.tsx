import { Button, Select, Slider, Tabs, Text } from '@mantine/core'
import { useMemo, useState } from 'react'
import { z } from 'zod'
import type { EvaluationRecord } from '../../records/evaluation'
import { noFilters } from '../../records/samplingFilters'
import { LineChart } from '../charts/LineChart'
import { csvCell } from '../dataset/datasetText'
import { downloadFile } from '../dataset/useImports'
import { GroupTable } from '../evaluation/GroupTable'
import { Leaderboard } from '../evaluation/Leaderboard'
import { leaderboard, defaultBaseline, querySets, successVersusBudget, type LeaderboardRow } from '../evaluation/leaderboardRows'
import classes from '../evaluation/evaluation.module.css'
import { NewEvaluation } from '../evaluation/NewEvaluation'
import { PairedPanel } from '../evaluation/PairedPanel'
import { formatShare } from '../format'
import { useAnswer } from '../stores/answer'
import { useUrlState } from '../stores/location'
import { usePageKeys } from '../stores/pageKeys'
import { EmptyState, Loading, PageHead, Panel, PrimaryButton } from '../widgets/Panel'
import { ErrorPanel } from '../widgets/ProblemList'

const urlSchema = z.object({
  set: z.string().default(''),
  strategy: z.string().default(''),
  budget: z.coerce.number().int().nonnegative().catch(0).default(0),
  before: z.string().default(''),
  after: z.string().default(''),
  tab: z.enum(['paired', 'budget', 'groups']).catch('paired').default('paired'),
})

export default function EvaluatePage() {
  const [url, setUrl] = useUrlState(urlSchema)
  const [opened, setOpened] = useState(false)
  const answer = useAnswer('evaluations', (studio) => studio.evaluations.list(), ['job'])
  const records = useMemo(() => answer.value ?? [], [answer.value])
  const sets = useMemo(() => querySets(records), [records])
  const set = sets.find((one) => one.key === url.set) ?? sets[0] ?? null
  const inSet = useMemo(
    () =>
      records.filter(
        (one) =>
          set !== null &&
          one.benchmark === set.benchmark &&
          one.split === set.split &&
          (url.strategy === '' || one.strategy === url.strategy),
      ),
    [records, set, url.strategy],
  )
  const strategies = useMemo(() => [...new Set(records.map((one) => one.strategy))], [records])
  usePageKeys([
    {
      keys: 'e',
      does: 'new evaluation',
      run: () => {
        setOpened(true)
      },
    },
  ])

  return (
    <>
      <PageHead
        title="Evaluate"
        about="The same questions, the same budget, the same judge: only then is a number compared with a number."
        actions={
          <PrimaryButton
            onClick={() => {
              setOpened(true)
            }}
          >
            New evaluation
          </PrimaryButton>
        }
      />
      <NewEvaluation
        opened={opened}
        onClose={() => {
          setOpened(false)
        }}
      />
      {answer.error !== null && <ErrorPanel title="The results could not be read." details={answer.error} />}
      {answer.loading && <Loading lines={5} />}
      {answer.value !== null && sets.length === 0 && (
        <EmptyState title="No results yet.">Start an evaluation, or the run story on Home: its two exams appear here.</EmptyState>
      )}
      {set !== null && (
        <>
          <div className={classes.controls}>
            <Select
              label="Query set"
              value={set.key}
              data={sets.map((one) => ({ value: one.key, label: `${one.key} (${one.count})` }))}
              w={240}
              onChange={(value) => {
                setUrl({ set: value ?? '', before: '', after: '', budget: 0 })
              }}
            />
            <Select
              label="Strategy"
              value={url.strategy}
              data={[{ value: '', label: 'All strategies' }, ...strategies]}
              w={160}
              onChange={(value) => {
                setUrl({ strategy: value ?? '' })
              }}
            />
            <BudgetSlider
              records={inSet}
              value={url.budget}
              onChange={(budget) => {
                setUrl({ budget })
              }}
            />
          </div>
          {inSet.length > 0 ? <Results records={inSet} url={url} setUrl={setUrl} /> : <Text>No result uses this strategy.</Text>}
        </>
      )}
    </>
  )
}

function BudgetSlider({
  records,
  value,
  onChange,
}: {
  readonly records: readonly EvaluationRecord[]
  readonly value: number
  readonly onChange: (budget: number) => void
}) {
  const most = Math.max(1, ...records.map((one) => one.call_budget))
  const shown = value === 0 ? most : Math.min(value, most)
  if (most === 1) return null
  return (
    <div className={classes.slider}>
      <Text size="xs" mb={4}>
        Count at most <strong>{shown}</strong> of {most} calls
      </Text>
      <Slider
        size="sm"
        min={1}
        max={most}
        step={1}
        value={shown}
        onChange={(budget) => {
          onChange(budget === most ? 0 : budget)
        }}
        thumbLabel="Calls counted"
        label={null}
      />
    </div>
  )
}

type Url = z.output<typeof urlSchema>

function chooseBaseline(records: readonly EvaluationRecord[], wanted: string): EvaluationRecord | undefined {
  return records.find((one) => one.evaluation_id === wanted) ?? defaultBaseline(records)
}

function Results({
  records,
  url,
  setUrl,
}: {
  readonly records: readonly EvaluationRecord[]
  readonly url: Url
  readonly setUrl: (patch: Partial<Url>) => void
}) {
  const baseline = chooseBaseline(records, url.before)
  const budget = url.budget === 0 ? Infinity : url.budget
  const rows = useMemo(() => (baseline ? leaderboard(records, baseline, budget) : []), [records, baseline, budget])
  const before = rows.find((row) => row.record.evaluation_id === baseline?.evaluation_id) ?? null
  const others = rows.filter((row) => row !== before)
  const after =
    others.find((row) => row.record.evaluation_id === url.after) ??
    others.filter((row) => row.notComparable.length === 0).sort((a, b) => (a.record.created_at < b.record.created_at ? 1 : -1))[0] ??
    null
  const curves = useMemo(
    () =>
      records.map((record) => {
        const points = successVersusBudget(record)
        return { name: record.title, x: points.map((point) => point.budget), y: points.map((point) => point.rate.rate) }
      }),
    [records],
  )
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
            setUrl({ tab: urlSchema.shape.tab.parse(tab) })
          }}
        >
          <Tabs.List mb={12}>
            <Tabs.Tab value="paired">Before and after</Tabs.Tab>
            <Tabs.Tab value="groups">By group</Tabs.Tab>
            <Tabs.Tab value="budget">Success versus budget</Tabs.Tab>
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
            <LineChart
              title="Pass rate by calls counted"
              meaning="A question counts as passed at a budget when it was solved with at most that many calls."
              series={curves}
              xLabel="calls"
              height={240}
              domain={[0, 1]}
              format={(value) => formatShare(value)}
              testId="budget-chart"
            />
          </Tabs.Panel>
        </Tabs>
      </Panel>
    </>
  )
}

function leaderboardCsv(rows: readonly LeaderboardRow[]): string {
  const head =
    'title,passed,n,rate,low,high,mean_calls,recall,call_budget,strategy,temperature,top_p,top_k,min_p,repetition_penalty,judge,world_hash,seed,created_at,not_comparable'
  const lines = rows.map((row) =>
    [
      row.record.title,
      row.rate.passed,
      row.rate.n,
      row.rate.rate,
      row.rate.interval[0],
      row.rate.interval[1],
      row.meanCalls,
      row.recall,
      row.record.call_budget,
      row.record.strategy,
      row.record.temperature,
      ...Object.values(row.record.sampling ?? noFilters),
      row.record.judge,
      row.record.world_hash ?? '',
      row.record.seed,
      row.record.created_at,
      row.notComparable.join('; '),
    ]
      .map((cell) => csvCell(String(cell)))
      .join(','),
  )
  return [head, ...lines].join('\n') + '\n'
}
