/** Which modules of a model peft puts an adapter on: `check_target_module_exists` of its tuners_utils.py, for linear layers and embeddings. */
import { PROJECTIONS } from '../architectures/decoder'
import { CheckpointError } from './byteSource'

export interface TargetFields {
  /** A list of module names, a regular expression for whole paths, or null: what peft takes for Llama and Qwen. */
  readonly targetModules: string | readonly string[] | null
  readonly excludeModules: string | readonly string[] | null
  readonly layersToTransform: number | readonly number[] | null
  readonly layersPattern: string | readonly string[] | null
  readonly modulesToSave: readonly string[]
}

/** peft's `TRANSFORMERS_MODELS_TO_LORA_TARGET_MODULES_MAPPING` of Llama, Qwen2 and Qwen3. */
const USUAL_TARGETS = ['q_proj', 'v_proj']
const ALL_LINEAR = 'all-linear'
/** Python expressions that JavaScript reads alike, and that no path makes slow: a handful of repetitions, none of a group. */
const MOST_REPETITIONS = 5

type Matcher = (path: string) => boolean

export function targetMatcher(fields: TargetFields): Matcher {
  const { targetModules: targets } = fields
  const isExcluded = fields.excludeModules === null ? () => false : moduleMatcher('exclude_modules', fields.excludeModules)
  const isSaved = fields.modulesToSave.map((name) => modulePattern('modules_to_save', `(?:.*\\.)?${name}(?:\\..*)?`, name))
  const isTarget: Matcher =
    targets === ALL_LINEAR
      ? (path) => PROJECTIONS.some((projection) => path.endsWith(`.${projection}`))
      : moduleMatcher('target_modules', targets ?? USUAL_TARGETS)
  const isInLayers = layerMatcher(fields)
  const isNamedWhole: Matcher = (path) => Array.isArray(targets) && targets.includes(path)
  return (path) =>
    !isExcluded(path) && !isSaved.some((matches) => matches(path)) && isTarget(path) && (isNamedWhole(path) || isInLayers(path))
}

/** A list holds whole paths or their ends; a string is a regular expression for the whole path. */
function moduleMatcher(field: string, names: string | readonly string[]): Matcher {
  if (typeof names === 'string') return modulePattern(field, names)
  return (path) => names.some((name) => path === name || path.endsWith(`.${name}`))
}

function layerMatcher({ layersToTransform, layersPattern }: TargetFields): Matcher {
  const layers = typeof layersToTransform === 'number' ? [layersToTransform] : (layersToTransform ?? [])
  if (layers.length === 0) return () => true
  const patterns = typeof layersPattern === 'string' ? [layersPattern] : (layersPattern ?? [])
  const found =
    patterns.length === 0
      ? [/^.*?\.[^.]*\.(\d+)\./]
      : patterns.map((pattern) => expression('layers_pattern', `^(?:|.*?\\.)${pattern}\\.(\\d+)\\.`, pattern))
  return (path) => {
    const layer = found.map((one) => one.exec(path)?.[1]).find((text) => text !== undefined)
    return layer !== undefined && layers.includes(Number(layer))
  }
}

/** Whether a whole path matches a Python regular expression. `source`: what the file says, where `pattern` has more around it. */
export function modulePattern(field: string, pattern: string, source = pattern): Matcher {
  const whole = expression(field, `^(?:${pattern})$`, source)
  return (path) => whole.test(path)
}

function expression(field: string, pattern: string, source: string): RegExp {
  const repetitions = source.match(/[*+{]/g)?.length ?? 0
  const isSimple = repetitions <= MOST_REPETITIONS && !/\)[*+{]/.test(source) && !/\\[AZz0]|\(\?[^:]/.test(source)
  try {
    if (isSimple) return new RegExp(pattern)
  } catch {
    // Said below.
  }
  throw new CheckpointError(
    `adapter_config.json: ${field} has the pattern "${source.slice(0, 120)}"; expected names, or a regular expression without repeated groups and with at most ${MOST_REPETITIONS} repetitions. Write the module names as a list.`,
  )
}
