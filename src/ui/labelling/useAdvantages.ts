/** Advantage previews, remembered by reward list; the last one stays on screen until the next arrives. */
import { useEffect, useState } from 'react'
import type { AdvantagePreview } from '../../worker/protocol'
import type { StudioApi } from '../../worker/studioApi'
import { useStudio } from '../stores/studio'

export interface AdvantageOptions {
  readonly maxContextLen: number
  readonly maxResponseLen: number
  readonly step_reward_weighting: 'released' | 'paper'
}
/** StepTool's own limits. */
export const defaultAdvantageOptions: AdvantageOptions = { maxContextLen: 4096, maxResponseLen: 1024, step_reward_weighting: 'released' }

interface Held {
  readonly studio: StudioApi
  readonly trajectoryId: string
  readonly key: string
  readonly preview: AdvantagePreview | null
  readonly error: string | null
}

const KEPT = 64
const cache = new Map<string, Held>()

export interface Advantages {
  readonly preview: AdvantagePreview | null
  readonly error: string | null
  /** False while a newer answer than the one shown is on its way. */
  readonly current: boolean
}

/** `rewards` null asks for the stored labels (and is never remembered: they change); `revision` asks again. */
export function useAdvantages(
  trajectoryId: string | null,
  rewards: readonly (number | null)[] | null,
  options: AdvantageOptions,
  revision = 0,
): Advantages {
  const studio = useStudio()
  const [held, setHeld] = useState<Held | null>(null)
  const key = trajectoryId === null ? '' : JSON.stringify([trajectoryId, rewards, options, rewards === null ? revision : 0])
  useEffect(() => {
    if (key === '') return
    if (cache.get(key)?.studio === studio) return
    let current = true
    const [id, asked, how] = JSON.parse(key) as [string, (number | null)[] | null, AdvantageOptions]
    const keep = (preview: AdvantagePreview | null, error: string | null): void => {
      const one: Held = { studio, trajectoryId: id, key, preview, error }
      if (asked !== null && preview) {
        cache.set(key, one)
        const oldest = cache.keys().next().value
        if (cache.size > KEPT && oldest !== undefined) cache.delete(oldest)
      }
      if (current) setHeld(one)
    }
    studio.labels.advantagePreview(id, asked, how).then(
      (reply) => {
        keep(reply.ok ? reply.value : null, reply.ok ? null : reply.message)
      },
      (error: unknown) => {
        keep(null, error instanceof Error ? error.message : String(error))
      },
    )
    return () => {
      current = false
    }
  }, [studio, key])
  const remembered = cache.get(key)
  const newest = remembered?.studio === studio ? remembered : held
  const mine = newest !== null && newest.studio === studio && newest.trajectoryId === trajectoryId ? newest : null
  return { preview: mine?.preview ?? null, error: mine?.error ?? null, current: mine?.key === key }
}
