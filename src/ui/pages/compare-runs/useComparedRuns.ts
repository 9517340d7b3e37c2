import { useMemo } from 'react'
import type { RunDetail } from '../../../worker/protocol'
import { useRunDetails } from '../../queries/runs'
import type { StudioQuery } from '../../queries/useStudioQuery'
import { useAlgorithm } from '../../stores/studio'
import { coloursOf, namesOf } from './comparedRuns'

/** The runs compared, with the name and the colour of each. */
export interface ComparedRuns {
  readonly details: readonly RunDetail[]
  readonly names: readonly string[]
  readonly colours: readonly string[]
}

export function useComparedRuns(runIds: string): StudioQuery<readonly RunDetail[]> & { readonly compared: ComparedRuns } {
  const ids = useMemo(() => runIds.split(',').filter((id) => id !== ''), [runIds])
  const query = useRunDetails(ids)
  const algorithmOf = useAlgorithm()
  const compared = useMemo(() => {
    const details = query.data ?? []
    return { details, names: namesOf(details), colours: coloursOf(details, algorithmOf) }
  }, [query.data, algorithmOf])
  return { ...query, compared }
}
