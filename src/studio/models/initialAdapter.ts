/** An adapter to begin training from, read from PEFT's files: checked against the model, with the files a run keeps of it. */
import { sha256 } from '../../base/sha256'
import type { ModelConfig } from '../../models/architectures/config'
import { PROJECTIONS } from '../../models/architectures/decoder'
import { architectureOf } from '../../models/languageModel'
import { isRunBeside } from '../../models/weights/adaptedBase'
import { CheckpointError, type FolderSource } from '../../models/weights/byteSource'
import {
  ADAPTER_CONFIG,
  ADAPTER_WEIGHTS,
  changesText,
  checkAdapterFits,
  readAdapter,
  readValueHead,
  VALUE_HEAD_WEIGHTS,
  type LoraAdapter,
} from '../../models/weights/peft'
import type { InitialAdapter } from '../../training/policy/adapterTensors'
import type { ConfiguredAlgorithm } from '../../training/algorithm'
import { VALUE_BIAS, VALUE_WEIGHT } from '../../training/policy/policyModel'
import { policyAdapter } from './adapterFiles'

/** What is read and stored of an adapter. */
export const ADAPTER_FILES: readonly string[] = [ADAPTER_CONFIG, ADAPTER_WEIGHTS, VALUE_HEAD_WEIGHTS]

export interface StoredInitialAdapter extends InitialAdapter {
  /** Of the weights file. */
  readonly sha256: string
  readonly hasValueHead: boolean
  /** All that the files hold. */
  readonly whole: LoraAdapter
  /** What it was read from: enough to read it again. */
  readonly files: ReadonlyMap<string, Uint8Array<ArrayBuffer>>
}

/** What a run begins from, and what its record calls it. */
export interface NamedInitialAdapter {
  readonly adapter: StoredInitialAdapter
  readonly from: string
}

/** As a run's record holds it among the settings. */
export const initialAdapterConfig = (initialAdapter: NamedInitialAdapter | null): Readonly<Record<string, unknown>> =>
  initialAdapter ? { init_adapter: initialAdapter.from, init_adapter_sha256: initialAdapter.adapter.sha256 } : {}

/** For the card of the adapter it leaves; '' for a new one. */
export const initialAdapterNote = (initialAdapter: NamedInitialAdapter | null): string =>
  initialAdapter ? ` It started from the adapter ${initialAdapter.from} (SHA-256 ${initialAdapter.adapter.sha256}).` : ''

/** Throws CheckpointError when the folder holds no adapter, or one for another model. Whether a run may begin from it is `checkTrainable`. */
export async function readInitialAdapter(
  folder: FolderSource,
  { config }: { readonly config: ModelConfig },
): Promise<StoredInitialAdapter> {
  const adapter = await readAdapter(folder)
  checkAdapterFits(adapter, architectureOf(config).parameters(config))
  const files = new Map<string, Uint8Array<ArrayBuffer>>()
  for (const name of ADAPTER_FILES) {
    const source = await folder.open(name)
    if (source) files.set(name, await source.read(0, source.size))
  }
  const { lora, tensors } = policyAdapter(adapter, config)
  const head = await folder.open(VALUE_HEAD_WEIGHTS)
  const value = head ? await readValueHead(head, config.hidden_size) : null
  return {
    lora: { ...lora, dropout: adapter.dropout },
    tensors: new Map([
      ...tensors,
      ...(value
        ? ([
            [VALUE_WEIGHT, { shape: [1, config.hidden_size], values: value.weight }],
            [VALUE_BIAS, { shape: [1], values: Float32Array.of(value.bias) }],
          ] as const)
        : []),
    ]),
    whole: adapter,
    sha256: sha256(files.get(ADAPTER_WEIGHTS) ?? new Uint8Array(0)),
    hasValueHead: value !== null,
    files,
  }
}

/** Throws CheckpointError when no run can begin from the adapter: what it does is computed, but not trained here. */
export function checkTrainable({ modules, changes, isMixed = false }: LoraAdapter): void {
  const advice = 'Merge it into its base (hone export --to merged), and train a new adapter on the merged model.'
  for (const path of modules.keys())
    if (!isRunBeside({}, path))
      throw new CheckpointError(`the adapter adapts ${path}, but only ${PROJECTIONS.join(', ')} are trained here. ${advice}`)
  if (changes) throw new CheckpointError(`no run can begin from the adapter: ${changesText(changes)}. ${advice}`)
  if (isMixed)
    throw new CheckpointError(
      `no run can begin from the adapter: its layers have several ranks or scalings (rank_pattern, alpha_pattern), and one is trained here for all. ${advice}`,
    )
}

/** Sentences for the run card of a run that begins from it. */
export function initialAdapterNotes(
  { adapter, from }: NamedInitialAdapter,
  { trainable, settings, hasValueHead }: Pick<ConfiguredAlgorithm, 'trainable' | 'settings' | 'hasValueHead'>,
): string[] {
  const notes = [`It started from ${from} (SHA-256 ${adapter.sha256.slice(0, 12)}).`]
  if (trainable.keepsReference === true) notes.push('Its reference is a frozen copy of that adapter (ref_adapter: initial).')
  else if (settings.ref_adapter === 'none')
    notes.push('Its reference is the base model without an adapter, not a copy of that adapter (ref_adapter: none).')
  if (hasValueHead)
    notes.push(
      adapter.hasValueHead
        ? 'The value head beside the adapter goes on too.'
        : 'There was no value head beside the adapter: a new one begins.',
    )
  return notes
}
