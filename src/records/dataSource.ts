/** What can be trained on, under the ids that a request names: an imported data set, or the practice of a run. */
const RUN = 'run:'

/** The id under which a run's practice is a source of data. */
export const practiceSourceId = (runId: string): string => `${RUN}${runId}`

/** The run whose practice an id names; null for a data set. */
export const runOfSource = (id: string): string | null => (id.startsWith(RUN) ? id.slice(RUN.length) : null)

/** The file that a run's practice is exported to, and that the command line then reads. */
export const practiceFileName = (runId: string, extension: 'csv' | 'jsonl'): string => `${runId}.practice.${extension}`

export interface DataSourceRow {
  readonly id: string
  readonly kind: 'dataset' | 'practice'
  readonly name: string
  readonly trajectories: number
  readonly steps: number
  readonly created_at: string
}
