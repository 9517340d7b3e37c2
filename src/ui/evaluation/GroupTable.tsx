import { VisuallyHidden } from '@mantine/core'
import { useMemo } from 'react'
import { holm } from '../../base/stats'
import { formatPoints } from '../format'
import { VisibleText } from '../trajectory/VisibleText'
import { RateBar, RateNumber } from '../widgets/RateBar'
import classes from './evaluation.module.css'
import { circumstances, ratesByGroup, type LeaderboardRow } from './leaderboardRows'
import { pairedComparison } from './rates'

/** Pass rates by group of questions, before and after; differences corrected for looking at several groups. */
export function GroupTable({
  before,
  after,
  budget,
}: {
  readonly before: LeaderboardRow
  readonly after: LeaderboardRow | null
  readonly budget: number
}) {
  const rows = useMemo(() => {
    const old = ratesByGroup(before.scores)
    const fresh = new Map(ratesByGroup(after?.scores ?? []).map((one) => [one.group, one.rate]))
    const paired = old.map(({ group }) =>
      after === null
        ? null
        : pairedComparison(
            before.scores.filter((score) => score.group === group),
            after.scores.filter((score) => score.group === group),
          ),
    )
    const adjusted = holm(paired.map((one) => one?.p ?? 1))
    return old.map(({ group, rate }, index) => ({
      group,
      before: rate,
      after: fresh.get(group) ?? null,
      paired: paired[index] ?? null,
      p: adjusted[index] ?? 1,
    }))
  }, [before.scores, after])
  const shown = (rate: { passed: number; n: number; rate: number; interval: readonly [number, number] }) => ({
    ...rate,
    passed: Math.round(rate.passed * 10) / 10,
  })
  return (
    <div className={classes.scroll} role="region" aria-label="By group" tabIndex={0}>
      <table className={classes.table}>
        <thead>
          <tr>
            <th scope="col">Group</th>
            <th scope="col" className={classes.right}>
              n
            </th>
            <th scope="col" className={classes.right}>
              Before [95%]
            </th>
            <th scope="col">
              <VisuallyHidden>Before, drawn</VisuallyHidden>
            </th>
            {after !== null && (
              <>
                <th scope="col" className={classes.right}>
                  After [95%]
                </th>
                <th scope="col">
                  <VisuallyHidden>After, drawn</VisuallyHidden>
                </th>
                <th scope="col" className={classes.right}>
                  Difference, points
                </th>
                <th scope="col" className={classes.right}>
                  p, Holm
                </th>
              </>
            )}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.group}>
              <td>
                <VisibleText text={row.group} />
              </td>
              <td className={classes.num}>{row.before.n}</td>
              <td className={classes.num}>
                <RateNumber rate={shown(row.before)} about={circumstances(before.record, budget)} />
              </td>
              <td>
                <div className={classes.bar}>
                  <RateBar rate={shown(row.before)} about={circumstances(before.record, budget)} colour="var(--hone-line-strong)" />
                </div>
              </td>
              {after !== null && (
                <>
                  <td className={classes.num}>
                    {row.after && <RateNumber rate={shown(row.after)} about={circumstances(after.record, budget)} />}
                  </td>
                  <td>
                    <div className={classes.bar}>
                      {row.after && <RateBar rate={shown(row.after)} about={circumstances(after.record, budget)} />}
                    </div>
                  </td>
                  <td className={classes.num}>
                    {row.paired &&
                      row.paired.n > 0 &&
                      `${formatPoints(row.paired.difference)} [${formatPoints(row.paired.interval[0])}, ${formatPoints(row.paired.interval[1])}]`}
                  </td>
                  <td className={classes.num}>{row.p < 0.001 ? '< 0.001' : row.p.toFixed(3)}</td>
                </>
              )}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}
