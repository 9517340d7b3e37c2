/** Pre-flight of `hone train`: what is wrong is said before step 0, and the KL to the reference measured. */
import type { EngineDevice } from '../engine/device/engineDevice'
import type { Gate } from '../engine/plan/executable'
import type { Method } from '../studio/method'
import { preflight } from '../studio/runs/preflight'
import type { InitialAdapter } from '../training/policy/adapterTensors'
import { measureReference } from '../training/policy/referenceCheck'
import { UsageError, type CommandContext, type JsonObject } from './command'
import type { OpenModel } from './modelSpec'
import type { TrainingData } from './trainingJob'

const PROBE = 'Before the first update the policy and its reference read this sentence alike.'

interface PreflightParts {
  readonly method: Method
  readonly settings: JsonObject
  readonly model: OpenModel
  readonly data: TrainingData
  readonly seed: number
  readonly engine: EngineDevice
  readonly gate: Gate
  /** What the run begins from; null: a new adapter. */
  readonly initial: InitialAdapter | null
  /** What flags say of how much is kept. */
  readonly limits: { readonly max_context_len?: number | undefined; readonly max_response_len?: number | undefined }
}

/** Warnings are printed; throws the first refusals as one. */
export async function holdPreflight(
  { method, settings, model, data, seed, engine, gate, initial, limits: given }: PreflightParts,
  { progress }: Pick<CommandContext, 'progress'>,
): Promise<void> {
  const limits = { maxContextLen: given.max_context_len, maxResponseLen: given.max_response_len }
  const found = await preflight({
    ...{ method, config: settings, model, seed, data: data.kind === 'files' ? data.labelled : null },
    limits: Object.fromEntries(Object.entries(limits).filter(([, value]) => value !== undefined)),
  })
  const refused = found.filter(({ level }) => level === 'refusal')
  if (refused.length > 0) throw new UsageError(refused.map(({ message }) => message).join(' '))
  const trainable = method.trainable(settings, initial !== null)
  // Imitation has no reference to hold to.
  if (trainable.kind === 'lora' && method.name !== 'sft' && method.name !== 'rft') {
    const parts = { engine, model: model.config, reader: model.reader }
    found.push(await measureReference(parts, trainable, { ids: model.tokenizer.encode(PROBE), seed, gate, initial }))
    if (found.at(-1)?.level === 'refusal') throw new UsageError(found.at(-1)?.message ?? '')
  }
  for (const { check, level, message } of found) if (level === 'warning') progress(`pre-flight, ${check}: ${message}`)
  const fine = found.filter(({ level }) => level === 'fine').map(({ check }) => check)
  progress(`pre-flight: ${fine.join(', ')} ${fine.length === 1 ? 'is' : 'are'} fine`)
}
