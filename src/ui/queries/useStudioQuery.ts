/** A question to the connected studio as a hook over the query cache. */
import { hashKey, skipToken, useQuery, type QueryKey } from '@tanstack/react-query'
import { useDeferredValue, useMemo } from 'react'
import type { StudioApi } from '../../worker/studioApi'
import { useStudioOrNull } from '../stores/studio'
import { sentenceOf, studioKey } from './client'

export interface StudioQuery<T> {
  /** undefined until the first answer. */
  readonly data: T | undefined
  /** What went wrong, as a sentence. */
  readonly error: string | null
  /** True while there is neither an answer nor an error. */
  readonly isLoading: boolean
  readonly refetch: () => void
}

interface Options {
  /** false: an answer that is still valid is not asked again when a component mounts. */
  readonly refetchOnMount?: false
}

/**
 * @param key names the question, area first; null asks nothing. The studio is added to it.
 * The answer is drawn as a deferred update, so that a large one does not block typing.
 */
export function useStudioQuery<T>(key: QueryKey | null, ask: (studio: StudioApi) => Promise<T>, options: Options = {}): StudioQuery<T> {
  const studio = useStudioOrNull()
  const queryKey = [...(key ?? ['nothing']), studio === null ? 'no studio' : studioKey(studio)]
  const query = useQuery({ queryKey, queryFn: key !== null && studio !== null ? () => ask(studio) : skipToken, ...options })
  const hash = hashKey(queryKey)
  const latest = useMemo(() => ({ hash, data: query.data }), [hash, query.data])
  const drawn = useDeferredValue(latest)
  const data = query.data === undefined || drawn.hash !== hash ? undefined : drawn.data
  const error = query.error === null ? null : sentenceOf(query.error)
  const { refetch } = query
  return {
    data,
    error,
    isLoading: key !== null && data === undefined && error === null,
    refetch: () => void refetch(),
  }
}
