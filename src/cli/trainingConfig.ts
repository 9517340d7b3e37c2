/**
 * `train --config FILE` in three forms: an algorithm's settings as a flat object; a recipe (`algorithm`, `seed`, `config` and how the
 * starter corpus is drawn); StepTool's own file with `peft_kwargs` and `ppo_kwargs`. What changes nothing is listed, with the reason.
 */
import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { z } from 'zod'
import { steptoolConfig } from '../data/formats/steptoolConfig'
import type { ImportedSettings } from '../data/formats/format'
import { UsageError, type JsonObject } from './command'

export interface IgnoredField {
  readonly field: string
  readonly value: unknown
  readonly reason: string
}

export interface CorpusOptions {
  readonly samples: number
  readonly drillsShare: number
  readonly lastingDrills: number
  readonly slipRate: number
  readonly madeUp: number
  readonly wrongRate: number
}

export interface ConfigFile {
  /** null: the file does not say. */
  readonly algorithm: string | null
  readonly seed: number | null
  readonly settings: JsonObject
  readonly corpus: CorpusOptions
  readonly worldSeed: number
  readonly ignored: readonly IgnoredField[]
}

const corpusFields = z.object({
  samples: z.int().positive().default(60_000),
  drills_share: z.number().min(0).max(1).default(0.1),
  lasting_drills: z.number().min(0).max(1).default(0.04),
  made_up_tools: z.number().min(0).max(1).default(0.18),
  slip_rate: z.number().min(0).max(0.9).default(0),
  wrong_rate: z.number().min(0).max(1).default(0.7),
  world_seed: z.int().default(7),
})
const recipe = corpusFields.extend({
  algorithm: z.string().optional(),
  seed: z.int().nonnegative().optional(),
  config: z.record(z.string(), z.unknown()),
})

const corpusOf = ({
  samples,
  drills_share,
  lasting_drills,
  made_up_tools,
  slip_rate,
  wrong_rate,
}: z.output<typeof corpusFields>): CorpusOptions => ({
  samples,
  drillsShare: drills_share,
  lastingDrills: lasting_drills,
  madeUp: made_up_tools,
  slipRate: slip_rate,
  wrongRate: wrong_rate,
})

const nothing: ConfigFile = {
  algorithm: null,
  seed: null,
  settings: {},
  corpus: corpusOf(corpusFields.parse({})),
  worldSeed: 7,
  ignored: [],
}

/** Throws one sentence for a file that is missing, is no JSON object, or has a field of the wrong kind. */
export async function readConfigFile(file: string | undefined): Promise<ConfigFile> {
  if (file === undefined) return nothing
  const found = readObject(file)
  if ('peft_kwargs' in found || 'ppo_kwargs' in found) return { ...nothing, ...(await fromSteptool(file)) }
  if (typeof found.config !== 'object' || found.config === null) return { ...nothing, settings: found }
  const parsed = recipe.safeParse(found)
  const issue = parsed.error?.issues[0]
  if (!parsed.success) throw new UsageError(`${file}: ${issue?.path.join('.') ?? 'the file'}: ${issue?.message ?? 'not a recipe'}.`)
  const { algorithm, seed, config, world_seed } = parsed.data
  return {
    algorithm: algorithm ?? null,
    seed: seed ?? null,
    settings: config,
    corpus: corpusOf(parsed.data),
    worldSeed: world_seed,
    ignored: [],
  }
}

/** The algorithm a config file is for; null when it does not say or cannot be read (which `readConfigFile` will tell). */
export function algorithmOfConfigFile(file: unknown): string | null {
  if (typeof file !== 'string') return null
  try {
    const found = readObject(file)
    if ('ppo_kwargs' in found) return 'steptool-ppo'
    return typeof found.algorithm === 'string' ? found.algorithm : null
  } catch {
    return null
  }
}

function readObject(file: string): JsonObject {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch {
    throw new UsageError(`There is no configuration file ${file}.`)
  }
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw new UsageError(`${file}: expected JSON, found ${error instanceof Error ? error.message : 'something else'}.`)
  }
  const parsed = z.record(z.string(), z.unknown()).safeParse(value)
  if (!parsed.success) throw new UsageError(`${file}: expected a JSON object, found ${Array.isArray(value) ? 'a list' : typeof value}.`)
  return parsed.data
}

async function fromSteptool(file: string): Promise<Pick<ConfigFile, 'algorithm' | 'seed' | 'settings' | 'ignored'>> {
  async function* text(): AsyncGenerator<string> {
    yield readFileSync(file, 'utf8')
  }
  let found: ImportedSettings | null = null
  for await (const item of steptoolConfig.read({ name: basename(file), text: text(), importedAt: '' })) {
    if (item.kind === 'settings') found = item.settings
    else if (item.kind === 'problem' && item.rejects) throw new UsageError(item.problem.message)
  }
  const { peft = {}, ppo = {}, ignored = [] } = found ?? {}
  const { r, lora_alpha, target_modules, lora_dropout } = peft
  const { seed, max_grad_norm, whiten_rewards, early_stopping, target_kl: _targetKl, ...same } = ppo
  const without: IgnoredField[] = []
  if (typeof lora_dropout === 'number' && lora_dropout > 0)
    without.push({ field: 'peft_kwargs.lora_dropout', value: lora_dropout, reason: 'Dropout is never active in PPO, as in TRL.' })
  if (whiten_rewards === true)
    without.push({ field: 'ppo_kwargs.whiten_rewards', value: true, reason: 'Advantages are whitened, rewards are not.' })
  if (early_stopping === true)
    without.push({ field: 'ppo_kwargs.early_stopping', value: true, reason: 'A batch is always gone over ppo_epochs times.' })
  const settings: Record<string, unknown> = { ...same }
  if (r !== undefined) settings.lora_r = r
  if (lora_alpha !== undefined) settings.lora_alpha = lora_alpha
  if (target_modules !== undefined) settings.lora_targets = typeof target_modules === 'string' ? [target_modules] : target_modules
  // TRL's null is no clipping.
  if (max_grad_norm !== undefined) settings.max_grad_norm = max_grad_norm ?? 0
  return { algorithm: 'steptool-ppo', seed: typeof seed === 'number' ? seed : null, settings, ignored: [...ignored, ...without] }
}

/** Splits settings into those the algorithm has and those it has not. */
export function knownSettings(
  settings: JsonObject,
  algorithm: string,
  schema: z.ZodObject,
): { known: JsonObject; ignored: IgnoredField[] } {
  const known: Record<string, unknown> = {}
  const ignored: IgnoredField[] = []
  for (const [field, value] of Object.entries(settings)) {
    if (field in schema.shape) known[field] = value
    else ignored.push({ field, value, reason: `${algorithm} has no such setting.` })
  }
  return { known, ignored }
}
