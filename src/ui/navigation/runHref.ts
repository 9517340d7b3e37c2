/** The page of a run: its story where it is one, its result where it is an evaluation. */
import type { RunRecord } from '../../records/run'
import { hrefs } from './hrefs'

export function runHref(run: Pick<RunRecord, 'kind' | 'run_id'>): string {
  if (run.kind === 'story') return hrefs.story(run.run_id)
  return run.kind === 'evaluate' ? hrefs.evaluate({ run: run.run_id }) : hrefs.run(run.run_id)
}

/** An evaluation trains nothing: it is listed with the results. */
export const isListedRun = ({ kind }: Pick<RunRecord, 'kind'>): boolean => kind !== 'evaluate'
