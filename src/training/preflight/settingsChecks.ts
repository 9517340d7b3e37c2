/**
 * Checks before step 0 of a run's settings against each other, the model and the data. Each check is one function and returns one finding.
 * A `refusal` means that the run would fail or learn nothing, a `warning` that it would work, but not as intended.
 */
export interface Finding {
  readonly check: string
  readonly level: 'fine' | 'warning' | 'refusal'
  readonly message: string
}

type Config = Readonly<Record<string, unknown>>

const LENGTHS = ['max_context_len', 'max_response_len', 'tokens_per_batch']

/** Advice for rows that are too long or cut, which names settings that the algorithm has. */
export function lengthAdvice(settings: Config, verb: 'raise' | 'lower'): string {
  const [own, batch] = [LENGTHS.slice(0, 2), LENGTHS.slice(2)].map((names) => names.filter((name) => name in settings))
  const names = own?.length ? own : (batch ?? [])
  return names.length > 0 ? `${verb} ${names.join(' or ')}` : 'shorten the rows'
}

const finding =
  (check: string, level: Finding['level']) =>
  (message: string): Finding => ({ check, level, message })
const number = (config: Config, name: string): number | null => {
  const value = config[name]
  return typeof value === 'number' ? value : null
}

/** Checks groups and mini-batches against the batch. `rows` is the number of trajectories in the data; null if the run samples its own. */
export function checkBatch(config: Config, rows: number | null): Finding {
  const check = 'batch'
  const [refuse, warn, fine] = [finding(check, 'refusal'), finding(check, 'warning'), finding(check, 'fine')]
  const group = number(config, 'num_generations')
  const attempts = number(config, 'generation_batch_size')
  if (group !== null && attempts !== null && rows === null) {
    if (attempts % group !== 0)
      return refuse(
        `generation_batch_size ${attempts} is not a multiple of num_generations ${group}, so a group would be cut. Choose a multiple.`,
      )
    const parts = number(config, 'steps_per_generation') ?? 1
    if (attempts < parts) return refuse(`${attempts} attempts cannot be cut into steps_per_generation ${parts} updates.`)
    if (attempts === group)
      return warn(`A batch has the ${group} attempts of one query only. Raise generation_batch_size for a steadier gradient.`)
    return fine(`A batch has ${attempts / group} queries with ${group} attempts each.`)
  }
  const batch = number(config, 'batch_size')
  const mini = number(config, 'mini_batch_size')
  if (batch !== null && mini !== null) {
    if (rows !== null && rows < batch)
      return refuse(`${rows} trajectories do not fill one batch of ${batch}: lower batch_size or add data.`)
    if (mini > batch) return warn(`mini_batch_size ${mini} is larger than batch_size ${batch}, so every mini-batch is the whole batch.`)
    const accumulated = mini * (number(config, 'gradient_accumulation_steps') ?? 1)
    if (batch % accumulated !== 0)
      return warn(
        `batch_size ${batch} is not a multiple of mini_batch_size · gradient_accumulation_steps = ${accumulated}, so the last update of an epoch has fewer trajectories.`,
      )
    return fine(
      `A batch has ${batch} trajectories and makes ${batch / accumulated} ${batch === accumulated ? 'update' : 'updates'} per epoch.`,
    )
  }
  return fine('There is no batch size to check.')
}

/** Checks prompt and completion against the model's context and max_tokens_per_micro_batch. */
export function checkContext(config: Config, maxPositions: number, longest: number | null): Finding {
  const check = 'context'
  const context = number(config, 'max_context_len')
  const response = number(config, 'max_response_len')
  const most = context !== null && response !== null ? context + response : number(config, 'tokens_per_batch')
  const atOnce = number(config, 'max_tokens_per_micro_batch')
  const [refuse, warn, fine] = [finding(check, 'refusal'), finding(check, 'warning'), finding(check, 'fine')]
  if (longest !== null && longest > maxPositions)
    return refuse(
      `The longest trajectory has ${longest} tokens, but the model reads at most ${maxPositions}: ${lengthAdvice(config, 'lower')}.`,
    )
  if (longest !== null && atOnce !== null && longest > atOnce)
    return refuse(
      `The longest trajectory has ${longest} tokens and does not fit max_tokens_per_micro_batch ${atOnce}: raise it, or ${lengthAdvice(config, 'lower')}.`,
    )
  if (most !== null && most > maxPositions && longest === null)
    return warn(
      `Prompt and completion may have ${most} tokens together, but the model reads ${maxPositions}. A longer attempt would end the run: ${lengthAdvice(config, 'lower')}.`,
    )
  return fine(
    longest === null
      ? `A sequence has at most ${most ?? maxPositions} tokens; the model reads ${maxPositions}.`
      : `The longest trajectory has ${longest} tokens; the model reads ${maxPositions}.`,
  )
}

/** The settings with which rollouts sample tokens. */
export interface Sampler {
  readonly temperature: number
  readonly topP: number
  /** 0: all tokens. */
  readonly topK: number
  readonly repetitionPenalty: number
}
export const policySampler: Sampler = { temperature: 1, topP: 1, topK: 0, repetitionPenalty: 1 }

/** Checks that tokens are sampled from the policy's own distribution; otherwise the ratio and the KL are those of another policy. */
export function checkSampler(sampler: Sampler): Finding {
  const wrong = [
    ...(sampler.temperature === policySampler.temperature ? [] : [`temperature ${sampler.temperature}, not 1`]),
    ...(sampler.topP === policySampler.topP ? [] : [`top_p ${sampler.topP}, not 1`]),
    ...(sampler.topK === policySampler.topK ? [] : [`top_k ${sampler.topK}, not 0`]),
    ...(sampler.repetitionPenalty === policySampler.repetitionPenalty ? [] : [`repetition_penalty ${sampler.repetitionPenalty}, not 1`]),
  ]
  return wrong.length === 0
    ? finding('sampler', 'fine')('Attempts are drawn from the policy itself: temperature 1, top_p 1, top_k 0, no penalties.')
    : finding('sampler', 'refusal')(`Attempts would not be drawn from the policy: ${wrong.join('; ')}. Its KL and ratios would be wrong.`)
}

/** The sampler of these settings; absent settings have the policy's own values. */
export function samplerOf(config: Config): Sampler {
  return {
    temperature: number(config, 'temperature') ?? policySampler.temperature,
    topP: number(config, 'top_p') ?? policySampler.topP,
    topK: number(config, 'top_k') ?? policySampler.topK,
    repetitionPenalty: number(config, 'repetition_penalty') ?? policySampler.repetitionPenalty,
  }
}

/** Turns a verdict on memory into a finding. */
export function checkMemory({
  verdict,
  bytes,
  advice,
}: {
  readonly verdict: 'fits' | 'tight' | 'exceeds'
  readonly bytes: number
  readonly advice: string
}): Finding {
  const size = bytes >= 1e9 ? `${(bytes / 1e9).toFixed(1)} GB` : `${Math.max(1, Math.round(bytes / 1e6))} MB`
  const words = { fits: 'Memory suffices', tight: 'Memory is tight', exceeds: 'Memory probably does not suffice' }
  return finding('memory', verdict === 'fits' ? 'fine' : 'warning')(`${words[verdict]}: the run needs about ${size}. ${advice}`.trim())
}
