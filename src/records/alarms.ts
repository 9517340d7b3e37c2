/**
 * What a run's metrics warn of, step by step: attempts cut off, groups that teach nothing, a KL that runs away or cannot be, tokens of another
 * policy, an entropy that collapses, gradients that are not finite. Each rule looks at the mean of the last few values, so that one odd batch is no alarm.
 */
import type { MetricColumns } from './run'

export type AlarmKind = keyof typeof rules

export interface Alarm {
  readonly kind: AlarmKind
  readonly metric: string
  /** The step at which the rule was first true. */
  readonly step: number
  /** What the rule looked at then: a mean over its window. */
  readonly value: number
  readonly message: string
  readonly advice: string
}

/** A metric as one rule sees it. */
interface Trace {
  readonly metric: string
  /** Every value so far, oldest first. */
  readonly values: readonly number[]
  /** Mean of the last `WINDOW` values; NaN before there are as many. */
  readonly recent: number
  /** Mean of the first `WINDOW` values; NaN before there are as many. */
  readonly first: number
}

interface Rule {
  /** The names this is known by; each that is reported is watched. */
  readonly metrics: readonly string[]
  /** The value that is too much; null when all is well. */
  readonly alarming: (trace: Trace) => number | null
  readonly message: (value: number, trace: Trace) => string
  readonly advice: string
}

const WINDOW = 3
const percent = (share: number): string => `${Math.round(share * 100)} %`
const above = (limit: number) => (trace: Trace) => (trace.recent > limit ? trace.recent : null)
const short = (value: number): string => String(Number(value.toPrecision(3)))

/** Of `objective/kl`, in nats per sequence: three times the target StepTool and TRL steer to. */
const SEQUENCE_KL = 18
/** Of GRPO's `kl`, in nats per token. */
const TOKEN_KL = 1
/** Of |log π − log π when sampled|, in nats per token: hundred times what rounding makes. */
const OTHER_POLICY = 0.1
/** Share of its start at which entropy has collapsed. */
const COLLAPSED = 0.15

const rules = {
  clipped_ratio: {
    metrics: ['completions/clipped_ratio'],
    alarming: above(0.2),
    message: (value) => `${percent(value)} of the attempts ran out of calls or tokens before they ended.`,
    advice:
      'Allow more calls or tokens, or leave cut attempts out (mask_truncated_completions): else their end is punished for its length.',
  },
  zero_variance: {
    metrics: ['frac_reward_zero_std'],
    alarming: above(0.8),
    message: (value) => `In ${percent(value)} of the groups every attempt earned the same, so that nothing is learnt from them.`,
    advice:
      'Choose queries the model solves sometimes, raise num_generations, reward single steps (advantage_level step), or replace such groups (dynamic_sampling_rounds).',
  },
  exploding_kl: {
    metrics: ['objective/kl', 'kl'],
    alarming: ({ metric, recent }) => (recent > (metric === 'kl' ? TOKEN_KL : SEQUENCE_KL) ? recent : null),
    message: (value, { metric }) =>
      `The policy is ${short(value)} nats ${metric === 'kl' ? 'a token' : 'a sequence'} away from the model it started as.`,
    advice: 'Lower the learning rate, or weigh the KL more (init_kl_coef, beta). What is rewarded may be a flaw of the reward.',
  },
  negative_kl: {
    metrics: ['objective/kl'],
    alarming: ({ recent }) => (recent < -1 ? recent : null),
    message: (value) => `The estimate of the KL is ${short(value)}: the policy is not scored as it was sampled.`,
    advice: 'Sample with temperature 1, top_p 1, top_k 0 and no penalties; train on trajectories of this model only.',
  },
  reference_differs: {
    metrics: ['objective/kl'],
    alarming: ({ values }) => (values.length === 1 && Math.abs(values[0] ?? 0) > 1e-2 ? (values[0] ?? 0) : null),
    message: (value) => `Before the first update the policy should be the reference, but their KL is ${short(value)}.`,
    advice: 'The adapter did not start at zero: a run that continues one should have it as its reference.',
  },
  entropy_collapse: {
    metrics: ['ppo/policy/entropy', 'entropy'],
    alarming: ({ values, recent, first }) => (values.length > 2 * WINDOW && recent < COLLAPSED * first ? recent : null),
    message: (value, { first }) => `Entropy fell from ${short(first)} to ${short(value)} nats a token: the model has stopped exploring.`,
    advice: 'Lower the learning rate, weigh the KL more, or stop here: the newest checkpoints may be no better than earlier ones.',
  },
  other_policy: {
    metrics: ['sampling/sampling_logp_difference/mean'],
    alarming: above(OTHER_POLICY),
    message: (value) => `The policy is ${short(value)} nats a token away from the one that sampled what it is trained on.`,
    advice:
      'Practice: generation and training disagree; keep keys and values as f32 (kv_dtype). Files: they were written by another policy, which nothing here corrects for; take fewer steps, or fresher trajectories.',
  },
  clip_fraction: {
    metrics: ['ppo/policy/clipfrac', 'clip_ratio/region_mean'],
    alarming: above(0.5),
    message: (value) => `${percent(value)} of the tokens are clipped: they give no gradient any more.`,
    advice: 'Updates are too large for one batch: lower the learning rate, or go over each batch fewer times (ppo_epochs, num_iterations).',
  },
  not_finite: {
    metrics: ['grad_norm'],
    alarming: ({ values }) => (values.at(-1) === -1 ? -1 : null),
    message: () => 'A gradient was not finite, so that the update was skipped.',
    advice:
      'The run’s notes say at which steps, and how many. Lower the learning rate; if it goes on, hold the weights as f32 (dtype) and look at the batch it happens in.',
  },
} as const satisfies Readonly<Record<string, Rule>>

const ALARM_KINDS = Object.keys(rules) as AlarmKind[]

export interface AlarmWatch {
  /** Takes a step's metrics and returns the alarms that began with it. */
  take(step: number, metrics: Readonly<Record<string, number | null>>): readonly Alarm[]
  /** Every alarm so far, oldest first. */
  readonly all: readonly Alarm[]
}

/**
 * Watches the metrics of a run, step by step in order. An alarm is raised when its rule begins to hold, and again only after it ceased to hold.
 * @param off kinds of alarms that do not apply to the run's algorithm, as its description lists them.
 */
export function watchMetrics(off: readonly string[] = []): AlarmWatch {
  const seen = new Map<string, number[]>()
  const ringing = new Set<string>()
  const all: Alarm[] = []
  const kinds = ALARM_KINDS.filter((kind) => !off.includes(kind))

  function newAlarm(kind: AlarmKind, metric: string, step: number): Alarm | null {
    const rule: Rule = rules[kind]
    const trace = traceOf(metric, seen.get(metric) ?? [])
    const value = rule.alarming(trace)
    const key = `${kind} ${metric}`
    if (value === null) {
      ringing.delete(key)
      return null
    }
    if (ringing.has(key)) return null
    ringing.add(key)
    return { kind, metric, step, value, message: rule.message(value, trace), advice: rule.advice }
  }

  return {
    take(step, metrics) {
      for (const [name, value] of Object.entries(metrics)) {
        if (value === null || !Number.isFinite(value)) continue
        const values = seen.get(name) ?? []
        values.push(value)
        seen.set(name, values)
      }
      const news = kinds.flatMap((kind) =>
        rules[kind].metrics.flatMap((metric) => (Number.isFinite(metrics[metric]) ? (newAlarm(kind, metric, step) ?? []) : [])),
      )
      all.push(...news)
      return news
    },
    all,
  }
}

function traceOf(metric: string, values: readonly number[]): Trace {
  const mean = (part: readonly number[]): number =>
    part.length < WINDOW ? Number.NaN : part.reduce((sum, value) => sum + value, 0) / part.length
  return { metric, values, recent: mean(values.slice(-WINDOW)), first: mean(values.slice(0, WINDOW)) }
}

/** The alarms of a run's whole table. @param off see `watchMetrics`. */
export function alarmsOf({ step, columns }: MetricColumns, off: readonly string[] = []): readonly Alarm[] {
  const watch = watchMetrics(off)
  const watched = new Set<string>(Object.values(rules).flatMap(({ metrics }) => metrics))
  const entries = Object.entries(columns).filter(([name]) => watched.has(name))
  step.forEach((at, row) => watch.take(at, Object.fromEntries(entries.map(([name, values]) => [name, values[row] ?? null]))))
  return watch.all
}
