/** What the metrics of a run mean: those of its algorithm, and those of practice. */
import type { RunRecord } from '../../records/run'
import { algorithms } from '../../training/algorithms'
import { practiceMeanings } from './practice'

export function metricMeaningsOf({ algorithm }: RunRecord): Readonly<Record<string, string>> {
  return { ...practiceMeanings, ...Object.values(algorithms).find(({ name }) => name === algorithm)?.metrics }
}
