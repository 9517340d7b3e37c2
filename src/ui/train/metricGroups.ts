/** Which metrics a run page shows first: a few families every method may have, each by its well-known names. */
interface Family {
  readonly title: string
  readonly names: readonly string[]
}
const FAMILIES: readonly Family[] = [
  { title: 'KL', names: ['objective/kl', 'kl', 'objective/kl_dist'] },
  { title: 'Clip fraction', names: ['ppo/policy/clipfrac', 'policy/clipfrac_avg', 'clip_ratio/region_mean', 'clipfrac'] },
  { title: 'Entropy', names: ['ppo/policy/entropy', 'policy/entropy_avg', 'objective/entropy', 'entropy'] },
  { title: 'Value error', names: ['ppo/val/error', 'ppo/loss/value', 'loss/value_avg', 'v1.loss'] },
  { title: 'Gradient norm', names: ['grad_norm', 'ppo/grad_norm'] },
  { title: 'Response length', names: ['tokens/responses_len_mean', 'completions/mean_length'] },
  { title: 'Tokens per second', names: ['perf/throughput', 'tokens_per_second', 'perf/tokens_per_second'] },
  { title: 'Loss', names: ['ppo/loss/total', 'loss', 'loss/policy_avg', 'pg.loss'] },
  { title: 'Margin', names: ['rewards/margins'] },
  { title: 'Token accuracy', names: ['mean_token_accuracy'] },
  { title: 'Pass rate', names: ['pass_rate', 'env/pass_rate'] },
]

const UNITS: readonly (readonly [RegExp, string])[] = [
  [/(^|\/)(kl|kl_dist|entropy\w*|policykl|approxkl\w*)$/, 'nats'],
  [/tokens_per_second|throughput/, 'tokens/s'],
  [/(_len|_length)(_\w+)?$|num_tokens/, 'tokens'],
  [/clipfrac|clip_ratio|accuracy|accuracies|pass_rate|^frac_/, 'share'],
]
/** What a metric is counted in, by its name; empty: a plain number. */
export const unitOf = (metric: string): string => UNITS.find(([pattern]) => pattern.test(metric))?.[1] ?? ''

export interface ShownMetric {
  readonly title: string
  readonly name: string
}
export function smallMultiples(columns: readonly string[], hero: string | null): readonly ShownMetric[] {
  return FAMILIES.flatMap(({ title, names }) => {
    const name = names.find((one) => columns.includes(one))
    return name === undefined || name === hero ? [] : [{ title, name }]
  })
}
