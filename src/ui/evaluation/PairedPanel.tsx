import { Anchor, Checkbox, Text } from '@mantine/core'
import { useMemo, useState } from 'react'
import { Link } from 'wouter'
import { counted, formatPoints, formatShare } from '../format'
import { hrefs } from '../navigation/hrefs'
import { VisibleText } from '../trajectory/VisibleText'
import { StatusMark } from '../widgets/StatusMark'
import { Term } from '../widgets/Term'
import classes from './evaluation.module.css'
import type { LeaderboardRow } from './leaderboardRows'
import { comparisonProblems } from './leaderboardRows'
import { pairedComparison, passRate, type Paired, type QueryPair, type QueryScore } from './rates'

const rounded = (value: number): string => String(Math.round(value * 10) / 10)
const FLIPS_SHOWN = 100

/** Before and after on the same questions: the difference, whether it is more than chance, and who won. */
export function PairedPanel({ before, after }: { readonly before: LeaderboardRow; readonly after: LeaderboardRow }) {
  const [anyway, setAnyway] = useState(false)
  const problems = useMemo(() => comparisonProblems(before.record, after.record), [before.record, after.record])
  const paired = useMemo(() => pairedComparison(before.scores, after.scores), [before.scores, after.scores])
  if (problems.length > 0 && !anyway) {
    return (
      <div role="note" data-testid="not-comparable">
        <Text fw={600}>These two results answer different questions.</Text>
        <ul style={{ margin: '4px 0 8px', paddingLeft: 18 }}>
          {problems.map((problem) => (
            <li key={problem}>
              <VisibleText text={problem} />
            </li>
          ))}
        </ul>
        <Checkbox
          label="Compare them anyway, on the queries they share"
          checked={anyway}
          onChange={() => {
            setAnyway(true)
          }}
        />
      </div>
    )
  }
  if (paired.n === 0) return <Text>The two results share no question.</Text>
  const on = (scores: readonly QueryScore[], ids: ReadonlySet<string>): string => {
    const rate = passRate(scores.filter((score) => ids.has(score.query_id)))
    return `${rounded(rate.passed)} of ${rate.n}`
  }
  const shared = new Set(after.scores.map((score) => score.query_id).filter((id) => before.scores.some((score) => score.query_id === id)))
  const points = (share: number): string => formatPoints(share)
  return (
    <>
      <p className={classes.sentence} data-testid="paired-sentence">
        Passed {on(before.scores, shared)} → {on(after.scores, shared)}; {points(paired.difference)} points [{points(paired.interval[0])},{' '}
        {points(paired.interval[1])}]; calls {before.meanCalls.toFixed(1)} → {after.meanCalls.toFixed(1)}.{' '}
        <span className={classes.verdict} data-clear={paired.distinguishable}>
          {paired.distinguishable ? 'The interval excludes 0' : 'Not distinguishable from chance yet'}
        </span>
      </p>
      {anyway && (
        <Text size="xs" c="dimmed">
          Compared on your word, over {paired.n} shared queries: {problems.join('; ')}.
        </Text>
      )}
      <DifferenceTrack paired={paired} />
      <dl className={classes.figures}>
        <div className={classes.figure}>
          <dt>
            <Term of="paired">Paired difference</Term>
          </dt>
          <dd>
            {points(paired.difference)} [{points(paired.interval[0])}, {points(paired.interval[1])}]
          </dd>
          <dd className={classes.about}>
            points, 95%, over {counted(paired.n, 'query', 'queries')}; {paired.method}
          </dd>
        </div>
        <div className={classes.figure}>
          <dt>
            <Term of="win rate">Win rate</Term>
          </dt>
          <dd data-testid="win-rate">
            {formatShare(paired.winRate.rate)} [{Math.round(paired.winRate.interval[0] * 100)},{' '}
            {Math.round(paired.winRate.interval[1] * 100)}]
          </dd>
          <dd className={classes.about}>
            {counted(paired.wins, 'win')}, {counted(paired.ties, 'tie')}, {counted(paired.losses, 'loss', 'losses')}; ties count ½; Wilson
          </dd>
        </div>
        <div className={classes.figure}>
          <dt>
            <Term of="flips">Flips</Term>
          </dt>
          <dd>
            +{paired.gained.length} −{paired.lost.length}
          </dd>
          <dd className={classes.about}>
            {paired.bothPassed} passed both, {paired.neitherPassed} neither
          </dd>
        </div>
        <div className={classes.figure}>
          <dt>{paired.test}</dt>
          <dd>p {paired.p < 0.001 ? '< 0.001' : `= ${paired.p.toFixed(3)}`}</dd>
          <dd className={classes.about}>two-sided, on the flips alone</dd>
        </div>
      </dl>
      <Flips title="Gained" pairs={paired.gained} />
      <Flips title="Lost" pairs={paired.lost} />
    </>
  )
}

function DifferenceTrack({ paired }: { readonly paired: Paired }) {
  const reach = Math.max(0.2, Math.abs(paired.interval[0]), Math.abs(paired.interval[1])) * 1.1
  const at = (value: number): string => `${((value + reach) / (2 * reach)) * 100}%`
  return (
    <div
      className={classes.track}
      role="img"
      aria-label={`Difference ${formatPoints(paired.difference)} points, interval ${formatPoints(paired.interval[0])} to ${formatPoints(paired.interval[1])}`}
    >
      <div className={classes.zero} style={{ left: '50%' }} />
      <div
        className={classes.interval}
        style={{ left: at(paired.interval[0]), width: `${((paired.interval[1] - paired.interval[0]) / (2 * reach)) * 100}%` }}
      />
      <div className={classes.point} style={{ left: at(paired.difference) }} />
      <span className={classes.tick} style={{ left: '50%' }}>
        0
      </span>
      <span className={classes.tick} style={{ left: at(paired.interval[0]) }}>
        {formatPoints(paired.interval[0])}
      </span>
      <span className={classes.tick} style={{ left: at(paired.interval[1]) }}>
        {formatPoints(paired.interval[1])}
      </span>
    </div>
  )
}

const statusOf = (score: QueryScore) => (score.passed > 0.5 ? 'solved' : score.score > 0 ? 'unsure' : 'unsolved')

function Flips({ title, pairs }: { readonly title: string; readonly pairs: readonly QueryPair[] }) {
  if (pairs.length === 0) return null
  return (
    <details data-testid={`flips-${title.toLowerCase()}`}>
      <summary style={{ cursor: 'pointer', minHeight: 24 }}>
        {title}: {counted(pairs.length, 'query', 'queries')}
      </summary>
      <ul style={{ listStyle: 'none', margin: 0, padding: '4px 0 8px' }}>
        {pairs.slice(0, FLIPS_SHOWN).map((pair) => (
          <li key={pair.query_id} style={{ display: 'flex', flexWrap: 'wrap', gap: 10, padding: '3px 0' }}>
            <StatusMark status={statusOf(pair.before)} quiet />→<StatusMark status={statusOf(pair.after)} quiet />
            <Anchor
              component={Link}
              size="sm"
              href={hrefs.trajectories({
                id: pair.after.trajectory_id,
                compare: `${pair.before.trajectory_id},${pair.after.trajectory_id}`,
              })}
            >
              <VisibleText text={pair.query_id} />
            </Anchor>
            <span style={{ color: 'var(--mantine-color-dimmed)' }}>
              <VisibleText text={pair.group} />
            </span>
          </li>
        ))}
      </ul>
      {pairs.length > FLIPS_SHOWN && <Text size="xs">and {pairs.length - FLIPS_SHOWN} more</Text>}
    </details>
  )
}
