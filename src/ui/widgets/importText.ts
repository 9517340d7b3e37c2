/** How far an import is, as a line: the file, what is done of it, the rate and the time left. */
import type { ImportProgress } from '../../worker/protocol'
import { formatBytes, formatCount, formatSeconds, visibleText } from '../format'

/** What is counted while an import stores: bytes of files, or the trajectories of a data set. */
export type StoredUnit = 'bytes' | 'trajectories'

const PHASES: Readonly<Record<ImportProgress['phase'], string>> = {
  reading: 'Reading',
  comparing: 'Comparing with a model of the same size that is here:',
  storing: 'Storing',
}

export function importText({ phase, done, total, file, etaSeconds }: ImportProgress, stored: StoredUnit): string {
  const inBytes = phase !== 'storing' || stored === 'bytes'
  const amount = (count: number): string => (inBytes ? formatBytes(count) : formatCount(count))
  const what = [PHASES[phase], ...(file === null ? [] : [`${visibleText(file)},`]), `${amount(done)} of ${amount(total)}`].join(' ')
  if (etaSeconds === null || etaSeconds <= 0) return what
  return `${what} · ${amount((total - done) / etaSeconds)}/s · ${formatSeconds(etaSeconds)} left`
}
