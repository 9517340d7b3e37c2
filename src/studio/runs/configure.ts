/** Finds an algorithm by name and configures it, with replies instead of exceptions. A job does this once and hands the result on. */
import type { Algorithm, ConfiguredAlgorithm, SequenceLimits } from '../../training/algorithm'
import { algorithms } from '../../training/algorithms'
import { SettingsError } from '../../training/settings'
import type { Reply } from '../../worker/protocol'
import { accept, refuse } from '../failure'
import type { NamedInitialAdapter } from '../models/initialAdapter'

export function algorithmNamed(name: string): Reply<Algorithm> {
  const catalogue: readonly Algorithm[] = Object.values(algorithms)
  const found = catalogue.find((one) => one.name === name)
  return found ? accept(found) : refuse('unknown-algorithm', `There is no method ${name}; there is ${Object.keys(algorithms).join(', ')}.`)
}

/** @param initialAdapter the adapter the run begins from; null: a new one. */
export function configureAlgorithm(
  algorithm: Algorithm,
  given: Readonly<Record<string, unknown>>,
  initialAdapter: NamedInitialAdapter | null = null,
  limits: SequenceLimits = {},
): Reply<ConfiguredAlgorithm> {
  try {
    return accept(algorithm.configure(given, initialAdapter && { lora: initialAdapter.adapter.lora, from: initialAdapter.from }, limits))
  } catch (error) {
    if (error instanceof SettingsError) return refuse('config', error.message)
    throw error
  }
}
