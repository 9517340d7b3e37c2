/** Decides which micro-batches a run of DPO scores and trains on. The loop and the memory estimate both use it. */
import { microBatches } from '../../batches/batchLayout'
import type { Sequence } from '../../batches/packing'
import type { TokenizedTrajectory } from '../../batches/tokenizedTrajectory'
import { pairParts, referenceSequences } from './batch'
import type { DpoConfig } from './config'
import { pairsOfStep, pairsOfSteps } from './pairs'
import type { DpoPair } from './pairs'

type SizeSettings = Pick<DpoConfig, 'per_device_train_batch_size' | 'gradient_accumulation_steps' | 'max_tokens_per_micro_batch'>

/** Pairs of one update. */
export const pairsPerUpdate = (settings: Pick<DpoConfig, 'per_device_train_batch_size' | 'gradient_accumulation_steps'>): number =>
  settings.per_device_train_batch_size * settings.gradient_accumulation_steps

export const pairsOfUpdate = (pairs: readonly DpoPair[], settings: SizeSettings, seed: number, step: number): DpoPair[] =>
  pairsOfStep(pairs, pairsPerUpdate(settings), seed, step)

/** The micro-batches of one update. */
export const partsOfStep = (pairs: readonly DpoPair[], settings: SizeSettings, seed: number, step: number): DpoPair[][] =>
  pairParts(pairsOfUpdate(pairs, settings, seed, step), settings)

/** The micro-batches in which the reference scores what updates `first` … `end` − 1 see. */
export const referenceParts = (
  pairs: readonly DpoPair[],
  settings: SizeSettings,
  seed: number,
  first: number,
  end: number,
): { readonly source: TokenizedTrajectory; readonly sequence: Sequence }[][] =>
  microBatches(referenceSequences(pairsOfSteps(pairs, pairsPerUpdate(settings), seed, first, end)), settings.max_tokens_per_micro_batch)
