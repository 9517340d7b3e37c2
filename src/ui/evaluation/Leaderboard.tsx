import { Tooltip, VisuallyHidden } from '@mantine/core'
import { filtersInWords } from '../../records/samplingFilters'
import { formatNumber, formatShare, formatWhen } from '../format'
import { VisibleText } from '../trajectory/VisibleText'
import { RateBar, RateNumber } from '../widgets/RateBar'
import { RecordBoundary } from '../widgets/RecordBoundary'
import { Term } from '../widgets/Term'
import classes from './evaluation.module.css'
import { circumstances, type LeaderboardRow } from './leaderboardRows'

interface LeaderboardProps {
  readonly rows: readonly LeaderboardRow[]
  readonly baseline: string
  readonly after: string
  readonly budget: number
  readonly onBaseline: (evaluationId: string) => void
  readonly onAfter: (evaluationId: string) => void
}

const COLUMNS = 11

/** Pass rates with their intervals; rows that answer another question are greyed, with the reason. */
export function Leaderboard({ rows, baseline, after, budget, onBaseline, onAfter }: LeaderboardProps) {
  return (
    <div className={classes.scroll} role="region" aria-label="Leaderboard" tabIndex={0}>
      <table className={classes.table}>
        <thead>
          <tr>
            <th scope="col">Model</th>
            <th scope="col" className={classes.right}>
              <Term of="pass rate">Pass rate</Term> [<Term of="interval">95%</Term>]
            </th>
            <th scope="col">
              <VisuallyHidden>Rate and interval, drawn</VisuallyHidden>
            </th>
            <th scope="col" className={classes.right}>
              <Term of="n">n</Term>
            </th>
            <th scope="col">
              <Term of="calls">Calls</Term>
            </th>
            <th scope="col" className={classes.right}>
              <Term of="recall">Recall</Term>
            </th>
            <th scope="col" className={classes.right}>
              <Term of="call budget">Budget</Term>
            </th>
            <th scope="col">
              <Term of="strategy">Strategy</Term>
            </th>
            <th scope="col">
              <Term of="judge">Judge</Term>
            </th>
            <th scope="col">When</th>
            <th scope="col">Compare</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <RecordBoundary
              key={row.record.evaluation_id}
              kind="Evaluation"
              name={row.record.title}
              id={row.record.evaluation_id}
              columns={COLUMNS}
            >
              <Row row={row} baseline={baseline} after={after} budget={budget} onBaseline={onBaseline} onAfter={onAfter} />
            </RecordBoundary>
          ))}
        </tbody>
      </table>
    </div>
  )
}

function Row({ row, baseline, after, budget, onBaseline, onAfter }: Omit<LeaderboardProps, 'rows'> & { readonly row: LeaderboardRow }) {
  const { record } = row
  const id = record.evaluation_id
  const comparable = row.notComparable.length === 0
  const about = circumstances(record, budget)
  const rate = { ...row.rate, passed: Math.round(row.rate.passed * 10) / 10 }
  return (
    <tr data-testid="leaderboard-row" data-comparable={comparable} data-evaluation={id}>
      <td>
        <div className={classes.title}>
          <VisibleText text={record.title} />
        </div>
        {!comparable && <div className={classes.why}>Not comparable with the baseline: {row.notComparable.join('; ')}.</div>}
      </td>
      <td className={classes.num} data-testid="pass-rate">
        <RateNumber rate={rate} about={about} />
      </td>
      <td>
        <div className={classes.bar}>
          <RateBar rate={rate} about={about} colour={comparable ? 'var(--hone-solved)' : 'var(--hone-line-strong)'} />
        </div>
      </td>
      <td className={classes.num}>{rate.n}</td>
      <td>
        <CallHistogram shares={row.callHistogram} mean={row.meanCalls} />
      </td>
      <td
        className={classes.num}
        data-testid="recall"
        title={row.recall === null ? 'This result does not say what was recalled with fewer calls. Evaluate again to know.' : undefined}
      >
        {row.recall === null ? '–' : formatShare(row.recall)}
      </td>
      <td className={classes.num}>{budget < record.call_budget ? `${budget} of ${record.call_budget}` : record.call_budget}</td>
      <td>
        {record.strategy}
        <span style={{ color: 'var(--mantine-color-dimmed)' }}>
          {' '}
          {[`T ${formatNumber(record.temperature)}`, ...filtersInWords(record.sampling)].join(' · ')}
        </span>
      </td>
      <td>
        <VisibleText text={record.judge} />
      </td>
      <td style={{ whiteSpace: 'nowrap' }}>{formatWhen(record.created_at)}</td>
      <td style={{ whiteSpace: 'nowrap' }}>
        <Pick
          pressed={id === baseline}
          label={`${record.title} as before`}
          onPick={() => {
            onBaseline(id)
          }}
        >
          before
        </Pick>
        <Pick
          pressed={id === after}
          label={`${record.title} as after`}
          onPick={() => {
            onAfter(id)
          }}
        >
          after
        </Pick>
      </td>
    </tr>
  )
}

function Pick({
  pressed,
  label,
  onPick,
  children,
}: {
  readonly pressed: boolean
  readonly label: string
  readonly onPick: () => void
  readonly children: string
}) {
  return (
    <button type="button" className={classes.pick} aria-pressed={pressed} aria-label={label} onClick={onPick}>
      {children}
    </button>
  )
}

function CallHistogram({ shares, mean }: { readonly shares: readonly number[]; readonly mean: number }) {
  const most = Math.max(...shares, 0.01)
  const text = `Mean ${mean.toFixed(1)} calls. ${shares.map((share, calls) => `${calls}: ${formatShare(share)}`).join(' · ')}`
  return (
    <Tooltip label={text}>
      <span style={{ display: 'inline-flex', gap: 6, alignItems: 'flex-end' }} role="img" aria-label={text} tabIndex={0}>
        <span className={classes.calls}>
          {shares.map((share, calls) => (
            <span key={calls} style={{ height: `${(share / most) * 100}%` }} />
          ))}
        </span>
        <span className={classes.num}>{mean.toFixed(1)}</span>
      </span>
    </Tooltip>
  )
}
