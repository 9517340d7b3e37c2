/** Runs as rows: method, model, exam before → after with interval, when. */
import { Anchor, Checkbox, Table, Text, VisuallyHidden } from '@mantine/core'
import { Link } from 'wouter'
import type { EvaluationRecord } from '../../records/evaluation'
import type { RunRecord } from '../../records/run'
import { formatWhen, visibleText } from '../format'
import { isListedRun, runHref } from '../navigation/runHref'
import { useEvaluations } from '../queries/evaluations'
import { useRuns } from '../queries/runs'
import { useAlgorithm, useMethodTitle, useStudioOrNull } from '../stores/studio'
import { methodColour } from '../theme'
import { EmptyState, Loading } from '../widgets/Panel'
import { ErrorPanel } from '../widgets/ProblemList'
import { RateNumber } from '../widgets/RateBar'
import { RecordBoundary } from '../widgets/RecordBoundary'
import { finalsOf, type Finals } from './finals'
import classes from './train.module.css'

/** Rows drawn at once; older runs are found through the palette. */
const SHOWN = 200

function ExamRates({ finals }: { readonly finals: readonly Finals[] }) {
  const first = finals[0]
  const last = finals.at(-1)
  if (!first || !last) return <Text c="dimmed">–</Text>
  const number = ({ record, rate }: Finals) => (
    <RateNumber rate={rate} about={{ set: record.split, budget: record.call_budget, judge: record.judge }} />
  )
  return first === last ? (
    number(first)
  ) : (
    <span style={{ whiteSpace: 'nowrap' }}>
      {number(first)} → {number(last)}
    </span>
  )
}

const STATUS_TEXT: Readonly<Record<RunRecord['status'], string>> = {
  running: 'running',
  paused: 'paused',
  finished: 'finished',
  cancelled: 'cancelled',
  failed: 'failed',
}

/** With the one of the boxes. */
const COLUMNS = 8

interface RunRowsProps {
  readonly limit?: number
  readonly selected?: readonly string[]
  readonly onSelect?: (runIds: readonly string[]) => void
}

export function RunRows({ limit = SHOWN, selected = [], onSelect }: RunRowsProps) {
  const studio = useStudioOrNull()
  const runs = useRuns()
  const evaluations = useEvaluations()
  const error = runs.error ?? evaluations.error
  if (error !== null) return <ErrorPanel title="The runs could not be read." details={error} />
  if (!studio || !runs.data || !evaluations.data)
    return (
      <div style={{ padding: 12 }}>
        {studio ? <Loading label="Loading the runs" /> : <Text c="dimmed">Runs appear here when the engine has started.</Text>}
      </div>
    )
  const rows = runs.data
    .filter(isListedRun)
    .sort((a, b) => (a.created_at < b.created_at ? 1 : -1))
    .slice(0, limit)
  if (rows.length === 0)
    return (
      <div style={{ padding: 12 }}>
        <EmptyState title="No runs yet.">The first one takes a minute or two and stores everything it measured.</EmptyState>
      </div>
    )
  return (
    <Table.ScrollContainer minWidth={560} scrollAreaProps={{ viewportProps: { tabIndex: 0, 'aria-label': 'Runs, scrollable' } }}>
      <Table highlightOnHover aria-label="Runs">
        <Table.Thead>
          <Table.Tr>
            {onSelect && (
              <Table.Th w={28}>
                <VisuallyHidden>Compare</VisuallyHidden>
              </Table.Th>
            )}
            <Table.Th>Run</Table.Th>
            <Table.Th>Method</Table.Th>
            <Table.Th>Model</Table.Th>
            <Table.Th>Exam before → after</Table.Th>
            <Table.Th ta="right">Steps</Table.Th>
            <Table.Th>State</Table.Th>
            <Table.Th ta="right">When</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {rows.map((run) => (
            <RecordBoundary key={run.run_id} kind="Run" name={run.title} id={run.run_id} columns={COLUMNS}>
              <RunRow run={run} evaluations={evaluations.data ?? []} selected={selected} {...(onSelect ? { onSelect } : {})} />
            </RecordBoundary>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  )
}

interface RunRowProps extends Required<Pick<RunRowsProps, 'selected'>>, Pick<RunRowsProps, 'onSelect'> {
  readonly run: RunRecord
  readonly evaluations: readonly EvaluationRecord[]
}

function RunRow({ run, evaluations, selected, onSelect }: RunRowProps) {
  const methodTitle = useMethodTitle()
  const algorithmOf = useAlgorithm()
  return (
    <Table.Tr>
      {onSelect && (
        <Table.Td>
          <Checkbox
            aria-label={`Compare ${run.title}`}
            checked={selected.includes(run.run_id)}
            onChange={(event) => {
              onSelect(event.currentTarget.checked ? [...selected, run.run_id] : selected.filter((id) => id !== run.run_id))
            }}
          />
        </Table.Td>
      )}
      <Table.Td>
        <Anchor component={Link} href={runHref(run)}>
          {visibleText(run.title)}
        </Anchor>
      </Table.Td>
      <Table.Td>
        <span className={classes.swatch} style={{ background: methodColour(algorithmOf(run.algorithm)) }} />
        {methodTitle(run.algorithm) ?? run.kind}
      </Table.Td>
      <Table.Td>{visibleText(run.model.id)}</Table.Td>
      <Table.Td>
        <ExamRates finals={finalsOf(run, evaluations)} />
      </Table.Td>
      <Table.Td ta="right">{run.steps_done}</Table.Td>
      <Table.Td>{STATUS_TEXT[run.status]}</Table.Td>
      <Table.Td ta="right" style={{ whiteSpace: 'nowrap' }}>
        {formatWhen(run.created_at)}
      </Table.Td>
    </Table.Tr>
  )
}
