/**
 * Rotary frequencies of a configuration, with every scaling transformers knows for these models (`modeling_rope_utils.py`):
 * linear (Chen 2023), dynamic NTK, llama3 (Dubey 2024), YaRN (Peng 2023). They are rounded to f32 where transformers rounds, so that log-probs at
 * position 100,000 are the ones a model was trained with.
 */
import type { ModelConfig, RopeScaling } from './modelConfig'

export interface RopeFrequencies {
  /** [head_dim / 2], radians per position. */
  readonly inverse: Float32Array
  /** Multiplies cos and sin (YaRN); 1 otherwise. */
  readonly attentionFactor: number
}

type Config = Pick<ModelConfig, 'head_dim' | 'rope_theta' | 'rope_scaling' | 'max_position_embeddings'>
type Scaling<Type extends RopeScaling['rope_type']> = Extract<RopeScaling, { rope_type: Type }>

export function ropeFrequencies(config: Config): RopeFrequencies {
  const { head_dim: dim, rope_theta: theta, rope_scaling: scaling } = config
  const plain = Float64Array.from({ length: dim / 2 }, (_, i) => theta ** ((-2 * i) / dim))
  const of = (frequencies: Float64Array, attentionFactor = 1): RopeFrequencies => ({
    inverse: Float32Array.from(frequencies),
    attentionFactor,
  })
  switch (scaling?.rope_type) {
    // Dynamic scaling stretches only past max_position_embeddings, where the tables end.
    case undefined:
    case 'dynamic':
      return of(plain)
    case 'linear':
      return of(plain.map((frequency) => frequency / scaling.factor))
    case 'llama3':
      return of(plain.map((frequency) => llama3(frequency, scaling)))
    case 'yarn':
      return of(yarn(plain, config, scaling), yarnAttention(scaling))
  }
}

/** Long waves are stretched, short ones kept, those between blended. */
function llama3(frequency: number, scaling: Scaling<'llama3'>): number {
  const { factor, low_freq_factor: low, high_freq_factor: high, original_max_position_embeddings: original } = scaling
  const wavelength = (2 * Math.PI) / frequency
  if (wavelength > original / low) return frequency / factor
  if (wavelength < original / high) return frequency
  const smooth = (original / wavelength - low) / (high - low)
  return ((1 - smooth) * frequency) / factor + smooth * frequency
}

function yarn(
  plain: Float64Array,
  { head_dim: dim, rope_theta: theta, max_position_embeddings: most }: Config,
  scaling: Scaling<'yarn'>,
): Float64Array {
  const original = scaling.original_max_position_embeddings ?? most
  const dimensionOf = (rotations: number): number => (dim * Math.log(original / (rotations * 2 * Math.PI))) / (2 * Math.log(theta))
  const exact = [dimensionOf(scaling.beta_fast ?? 32), dimensionOf(scaling.beta_slow ?? 1)] as const
  const [first, last] = (scaling.truncate ?? true) ? [Math.floor(exact[0]), Math.ceil(exact[1])] : exact
  const low = Math.max(first, 0)
  const end = Math.min(last, dim - 1)
  const high = end === low ? low + 0.001 : end
  return plain.map((frequency, i) => {
    const ramp = Math.min(1, Math.max(0, (i - low) / (high - low)))
    return (frequency / scaling.factor) * ramp + frequency * (1 - ramp)
  })
}

function yarnAttention({ factor, attention_factor: given, mscale, mscale_all_dim: all }: Scaling<'yarn'>): number {
  const scale = (weight: number): number => (factor <= 1 ? 1 : 0.1 * weight * Math.log(factor) + 1)
  if (given) return given
  return mscale && all ? scale(mscale) / scale(all) : scale(1)
}

/** cos and sin [positions, head_dim / 2], angles rounded to f32 as transformers rounds them. */
export function ropeTables(config: Config): { cos: Float32Array; sin: Float32Array } {
  const { inverse, attentionFactor } = ropeFrequencies(config)
  const half = inverse.length
  const positions = config.max_position_embeddings
  const cos = new Float32Array(positions * half)
  const sin = new Float32Array(positions * half)
  for (let position = 0; position < positions; position++)
    inverse.forEach((frequency, i) => {
      const angle = Math.fround(position * frequency)
      cos[position * half + i] = attentionFactor * Math.cos(angle)
      sin[position * half + i] = attentionFactor * Math.sin(angle)
    })
  return { cos, sin }
}
