/** Pre-flight of `hone train`: what is wrong is said before step 0, and the KL to the reference measured. */
import type { EngineDevice } from '../engine/device/engineDevice'
import type { Gate } from '../engine/plan/executable'
import { preflight } from '../studio/runs/preflight'
import type { InitialAdapter } from '../training/policy/adapterTensors'
import { measureReference } from '../training/policy/referenceCheck'
import { UsageError, type CommandContext } from './command'
import type { OpenModel } from './modelSpec'
import type { CommandData } from './trainingJob'
import type { ConfiguredAlgorithm } from '../training/algorithm'

const PROBE = 'Before the first update the policy and its reference read this sentence alike.'

interface PreflightParts {
  readonly configured: ConfiguredAlgorithm
  readonly model: OpenModel
  readonly data: CommandData
  readonly seed: number
  readonly engine: EngineDevice
  readonly gate: Gate
  /** What the run begins from; null: a new adapter. */
  readonly initial: InitialAdapter | null
}

/** Warnings are printed; throws the first refusals as one. */
export async function holdPreflight(
  { configured, model, data, seed, engine, gate, initial }: PreflightParts,
  { progress }: Pick<CommandContext, 'progress'>,
): Promise<void> {
  const found = await preflight({
    ...{ configured, model, seed, data: data.kind === 'files' ? data.labelled : null },
    hasTranscripts: data.kind === 'transcripts',
  })
  const refused = found.filter(({ level }) => level === 'refusal')
  if (refused.length > 0) throw new UsageError(refused.map(({ message }) => message).join(' '))
  const { trainable, algorithm } = configured
  if (trainable.kind === 'lora' && algorithm.usesReference) {
    const parts = { engine, model: model.config, reader: model.reader }
    found.push(await measureReference(parts, trainable, { ids: model.tokenizer.encode(PROBE), seed, gate, initial }))
    if (found.at(-1)?.level === 'refusal') throw new UsageError(found.at(-1)?.message ?? '')
  }
  for (const { check, level, message } of found) if (level === 'warning') progress(`pre-flight, ${check}: ${message}`)
  const fine = found.filter(({ level }) => level === 'fine').map(({ check }) => check)
  progress(`pre-flight: ${fine.join(', ')} ${fine.length === 1 ? 'is' : 'are'} fine`)
}
