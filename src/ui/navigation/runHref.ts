/** The page of a run: its story, where it is one. */
import type { RunRecord } from '../../records/run'
import { hrefs } from './hrefs'

export const runHref = (run: Pick<RunRecord, 'kind' | 'run_id'>): string =>
  run.kind === 'story' ? hrefs.story(run.run_id) : hrefs.run(run.run_id)
