/** A question to the studio as a hook: asked again when its key, the studio or a named event changes; the last answer stays until the next arrives. */
import { startTransition, useCallback, useEffect, useEffectEvent, useState } from 'react'
import type { Reply, StudioEvent } from '../../worker/protocol'
import type { StudioApi } from '../../worker/studioApi'
import { useStudioEvents } from './events'
import { useStudioOrNull } from './studio'

export interface Answer<T> {
  readonly value: T | null
  readonly error: string | null
  readonly loading: boolean
  readonly reload: () => void
}

interface Held<T> {
  readonly key: string
  readonly studio: StudioApi
  readonly value: T | null
  readonly error: string | null
}

const NO_EVENTS: readonly StudioEvent['type'][] = []
/** Pass as key to ask nothing. */
export const NOTHING = ''

export function useAnswer<T>(
  key: string,
  ask: (studio: StudioApi) => Promise<T>,
  refreshOn: readonly StudioEvent['type'][] = NO_EVENTS,
): Answer<T> {
  const studio = useStudioOrNull()
  const [held, setHeld] = useState<Held<T> | null>(null)
  const [round, setRound] = useState(0)
  const put = useEffectEvent((from: StudioApi) => ask(from))
  const reload = useCallback(() => {
    setRound((now) => now + 1)
  }, [])
  useStudioEvents(refreshOn, reload)
  useEffect(() => {
    if (!studio || key === NOTHING) return
    let current = true
    put(studio).then(
      (value) => {
        // A large answer is drawn in slices, so that the page stays responsive.
        if (current)
          startTransition(() => {
            setHeld({ key, studio, value, error: null })
          })
      },
      (error: unknown) => {
        if (current) setHeld({ key, studio, value: null, error: error instanceof Error ? error.message : String(error) })
      },
    )
    return () => {
      current = false
    }
  }, [studio, key, round])
  const fresh = held !== null && held.key === key && held.studio === studio ? held : null
  return { value: fresh?.value ?? null, error: fresh?.error ?? null, loading: key !== NOTHING && fresh === null, reload }
}

/** The same for commands that answer with a Reply: a refusal becomes `error`. */
export function useReply<T>(
  key: string,
  ask: (studio: StudioApi) => Promise<Reply<T>>,
  refreshOn: readonly StudioEvent['type'][] = NO_EVENTS,
): Answer<T> {
  return useAnswer<T>(
    key,
    async (studio) => {
      const reply = await ask(studio)
      if (!reply.ok) throw new Error(reply.message)
      return reply.value
    },
    refreshOn,
  )
}
