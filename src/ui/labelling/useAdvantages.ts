/** Advantage previews, cached by reward list; the last one stays on screen until the next arrives. */
import { useQuery } from '@tanstack/react-query'
import type { AdvantageBasis, AdvantagePreview } from '../../worker/protocol'
import { sentenceOf, studioKey, valueOf } from '../queries/client'
import { keys } from '../queries/keys'
import { useStudioQuery, type StudioQuery } from '../queries/useStudioQuery'
import { useStudio } from '../stores/studio'

export interface AdvantageOptions {
  /** When absent, the weighting is that of the settings the studio computes with. */
  readonly step_reward_weighting?: 'released' | 'paper'
}

export interface Advantages {
  readonly preview: AdvantagePreview | null
  readonly error: string | null
  /** False while a newer answer than the one shown is on its way. */
  readonly current: boolean
}

/** Pointing at one judgement after the other asks often: an answer nobody looks at is forgotten after a minute. */
const CACHED_MS = 60_000

/** The advantages if the steps had these rewards. */
export function useAdvantages(trajectoryId: string, rewards: readonly (number | null)[], options: AdvantageOptions): Advantages {
  const studio = useStudio()
  const { data, error, isPlaceholderData } = useQuery({
    queryKey: [...keys.advantages(trajectoryId, rewards, options), studioKey(studio)],
    queryFn: () => valueOf(studio.labels.advantagePreview(trajectoryId, rewards, options)),
    placeholderData: (previous: AdvantagePreview | undefined) => (previous?.tokens.trajectory_id === trajectoryId ? previous : undefined),
    refetchOnMount: true,
    gcTime: CACHED_MS,
  })
  return {
    preview: data ?? null,
    error: error === null ? null : sentenceOf(error),
    current: !isPlaceholderData && (data !== undefined || error !== null),
  }
}

/** Where the advantages come from, in a sentence. */
export function basisSentence({ kind, algorithm }: AdvantageBasis): string {
  if (kind === 'recorded') return `These are the advantages that the run’s ${algorithm} update used.`
  const settings = kind === 'run' ? 'the settings of the run' : 'default settings'
  return `Computed from the labels as ${algorithm} would with ${settings}, before the value head has learned and without the KL penalty.`
}

/** The advantages that the run recorded, or those that the stored labels give. */
export const useStoredAdvantages = (trajectoryId: string): StudioQuery<AdvantagePreview> =>
  useStudioQuery(keys.storedAdvantages(trajectoryId), (studio) => valueOf(studio.labels.advantagePreview(trajectoryId, null, {})))
