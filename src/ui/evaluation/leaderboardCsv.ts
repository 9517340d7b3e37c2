/** The leaderboard as a CSV file. */
import { noFilters } from '../../records/samplingFilters'
import { csvCell } from '../dataset/datasetText'
import type { LeaderboardRow } from './leaderboardRows'

export function leaderboardCsv(rows: readonly LeaderboardRow[]): string {
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
      row.recall ?? '',
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
