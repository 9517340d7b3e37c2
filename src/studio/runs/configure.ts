/** Finds an algorithm by name and configures it, with replies instead of exceptions. A job does this once and passes the result on. */
import type { RunRecord } from '../../records/run'
import type { Algorithm, ConfiguredAlgorithm, SequenceLimits } from '../../training/algorithm'
import { algorithms } from '../../training/algorithms'
import { SettingsError } from '../../training/settings'
import type { Reply } from '../../worker/protocol'
import { accept, refuse } from '../failure'
import type { NamedInitialAdapter } from '../models/initialAdapter'

export function algorithmNamed(name: string): Reply<Algorithm> {
  const catalogue: readonly Algorithm[] = Object.values(algorithms)
  const found = catalogue.find((one) => one.name === name)
  return found
    ? accept(found)
    : refuse('unknown-algorithm', `There is no algorithm ${name}; there is ${Object.keys(algorithms).join(', ')}.`)
}

/** @param initialAdapter the initial adapter of the run; null for a new one. */
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

/** The algorithm of a stored run with the settings it ran with; null: it trained nothing, or its settings are of another version. */
export function configuredOfRun({ algorithm, config }: Pick<RunRecord, 'algorithm' | 'config'>): ConfiguredAlgorithm | null {
  const known = Object.values(algorithms).find(({ name }) => name === algorithm)
  if (!known) return null
  // The record also says what is no setting of the algorithm: precision, the adapter it began from.
  const own = Object.entries(config).filter(([field]) => Object.hasOwn(known.config.shape, field))
  const configured = configureAlgorithm(known, Object.fromEntries(own))
  return configured.ok ? configured.value : null
}
