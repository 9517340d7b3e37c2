/** The initial adapter of a run, which is drawn from the seed or was trained before, and its frozen copy, which may be the reference. */
import { PROJECTIONS } from '../../models/architectures/decoder'
import type { LoraShape } from '../../models/architectures/decoder'
import type { AdapterTensors } from './adapterTensors'
import type { TrainingContext } from '../trainingContext'
import { initialLora, initialValueHead } from './initialWeights'
import type { PolicyModel } from './policyModel'

interface Beginnings {
  readonly init_lora_weights: 'kaiming' | 'gaussian'
  /** The initialization of a new value head. */
  readonly value_head_init?: 'torch' | 'zero'
}

/** Writes the initial weights of a run, and the reference if the policy has one. Throws when the adapter has another shape. */
export function initializePolicy(
  policy: PolicyModel,
  { seed, initial = null }: Pick<TrainingContext, 'seed' | 'initial'>,
  settings: Beginnings,
): void {
  const { trainable } = policy
  if (trainable.kind === 'all') {
    if (initial) throw new Error('all weights are trained, so no adapter can be continued')
    return
  }
  if (initial && !isSameShape(initial.lora, trainable.lora))
    throw new Error(`an adapter of ${shapeOf(initial.lora)} cannot begin a run that trains ${shapeOf(trainable.lora)}`)
  for (const { name, shape } of policy.packed.ranges.values()) {
    const given = initial?.tensors.get(name)
    const isHead = name.startsWith('v_head.')
    if (initial && !given && !isHead) throw new Error(`the initial adapter lacks ${name}`)
    const fresh = (): Float32Array =>
      isHead
        ? initialValueHead(shape, policy.model.config.hidden_size, seed, settings.value_head_init ?? 'zero')
        : initialLora(name, shape, seed, settings.init_lora_weights)
    policy.packed.writeWeights(name, given?.values ?? fresh())
  }
  if (initial) setReferenceToInitial(policy, initial.tensors)
}

/** Writes the reference of a policy that has one. */
export function setReferenceToInitial(policy: PolicyModel, tensors: AdapterTensors): void {
  for (const { name, size } of policy.reference?.ranges.values() ?? [])
    policy.reference?.write(name, tensors.get(name)?.values ?? new Float32Array(size))
}

const isSameShape = (a: LoraShape, b: LoraShape): boolean =>
  a.rank === b.rank && a.alpha === b.alpha && (a.useRslora ?? false) === (b.useRslora ?? false) && targetsOf(a) === targetsOf(b)
const targetsOf = ({ targets }: LoraShape): string => PROJECTIONS.filter((name) => targets.includes(name)).join(', ')
const shapeOf = (lora: LoraShape): string => `r ${lora.rank}, alpha ${lora.alpha}${lora.useRslora ? ', rsLoRA' : ''} on ${targetsOf(lora)}`

type Settings = Readonly<Record<string, unknown>>

/**
 * The settings of a run that starts from an adapter, whose shape they take over. `known`: the algorithm's settings. Throws one sentence that names
 * both when a setting that was given says otherwise. A rate of dropout may be another than the adapter was trained with.
 */
export function settingsOfInitialAdapter(given: Settings, lora: LoraShape, known: Settings, where: string): Settings {
  const targets = PROJECTIONS.filter((name) => lora.targets.includes(name))
  const own: Settings = { lora_r: lora.rank, lora_alpha: lora.alpha, use_rslora: lora.useRslora ?? false, lora_targets: targets }
  if (given.trainable === 'all')
    throw new Error(`trainable is all, but the run starts from ${where}. Set trainable to lora to continue a LoRA adapter.`)
  const fixed = Object.entries(own).filter(([name]) => name in known)
  for (const [name, value] of fixed)
    if (given[name] !== undefined && textOf(given[name]) !== textOf(value))
      throw new Error(
        `${name} is ${textOf(given[name])}, but ${where}, from which the run starts, has ${textOf(value)}: leave ${name} out, or start from another adapter.`,
      )
  const dropout = lora.dropout && 'lora_dropout' in known ? { lora_dropout: lora.dropout } : {}
  return { ...dropout, ...given, ...Object.fromEntries(fixed) }
}

const textOf = (value: unknown): string =>
  Array.isArray(value)
    ? PROJECTIONS.filter((name) => value.includes(name)).join(', ') || JSON.stringify(value)
    : typeof value === 'string'
      ? value
      : JSON.stringify(value)

/** Whether a policy with these settings needs a frozen copy of its initial adapter as reference. */
export const keepsReference = (isContinued: boolean, { ref_adapter }: { readonly ref_adapter: 'initial' | 'none' }): boolean =>
  isContinued && ref_adapter === 'initial'
