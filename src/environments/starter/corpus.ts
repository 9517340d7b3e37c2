/** The SFT corpus: an endless list of samples, each a function of (seed, index). First drills, then one hop, then up to five. */
import { createRng } from '../../base/random'
import type { TranscriptMessage } from '../benchmark'
import { STREAM } from './database'
import { drill, madeUpTools } from './drills'
import { transcriptOf, WRONG_RATE } from './expert'
import { drawTask } from './tasks'
import { drawGroup, type StarterWorld } from './world'

export interface SftCorpusOptions {
  readonly seed: number
  /** Length of the curriculum; sample indexes at and above it draw from the last stage. */
  readonly samples?: number
  /** Share of `samples` that are drills only. */
  readonly drillsShare?: number
  /** Probability of the expert's wrong move in a marked context. */
  readonly wrongRate?: number
  /** Share of drills after the first stage: copying is what the rest stands on, so they never stop altogether. */
  readonly lastingDrills?: number
  /** Share of samples after the first stage whose tools are made up: their names and parameters must be read off the list. */
  readonly madeUp?: number
  /** Probability of a wrong call, to be recovered from, before each right one. */
  readonly slipRate?: number
}

export type SampleKind = 'drill' | 'one-hop' | 'up-to-two' | 'full'

export interface SftSample {
  readonly index: number
  readonly kind: SampleKind
  readonly messages: readonly TranscriptMessage[]
}

export interface SftCorpus {
  readonly samples: number
  sample(index: number): SftSample
}

const DEFAULT_SAMPLES = 60_000

export function sftCorpus(world: StarterWorld, options: SftCorpusOptions): SftCorpus {
  const { seed, samples = DEFAULT_SAMPLES, drillsShare = 0.1, wrongRate = WRONG_RATE, lastingDrills = 0.04, madeUp = 0.18 } = options
  const { slipRate = 0 } = options
  const { database } = world

  function stage(index: number): SampleKind {
    const at = index / samples
    if (at < drillsShare) return 'drill'
    if (at < drillsShare + 0.15) return 'one-hop'
    return at < drillsShare + 0.35 ? 'up-to-two' : 'full'
  }

  return {
    samples,
    sample(index) {
      const kind = stage(index)
      const rng = createRng(seed, STREAM.corpus, index)
      if (kind === 'drill') return { index, kind, messages: drill(rng, database, slipRate) }
      const at = rng.uniform()
      if (at < lastingDrills) return { index, kind: 'drill', messages: drill(rng, database, slipRate) }
      if (at < lastingDrills + madeUp) return { index, kind: 'drill', messages: madeUpTools(rng, database, slipRate) }
      const group = kind === 'one-hop' ? 'I1-instruction' : drawGroup(rng, 'seen', world.version)
      const task = drawTask(database, rng, {
        split: 'train',
        group,
        queryId: `starter-sft-${index}`,
        index,
        version: world.version,
        ...(kind === 'one-hop' ? { maxTools: 4 } : kind === 'up-to-two' ? { maxSubjects: 2 } : {}),
      })
      return { index, kind, messages: transcriptOf(world, task, rng, { wrongRate, slipRate }).messages }
    },
  }
}
