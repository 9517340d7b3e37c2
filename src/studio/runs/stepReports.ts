/** Reports of training steps: the algorithm's metrics joined with those of the step's practice and with the speed. */
import { STEP_SECONDS } from './estimateTime'
import { watchSkippedUpdates } from './skippedUpdates'
import type { StepClock } from './stepClock'
import type { TrainingRun } from './trainingRun'

type Metrics = Readonly<Record<string, number>>

export interface StepReports {
  /** Metrics of a step's practice, for its report. */
  practised(step: number, metrics: Metrics): void
  readonly report: (step: number, metrics: Metrics) => void
  readonly generated: (tokens: number) => void
  /** Throws once a step was reported whose loss is not finite, or after too many skipped updates. */
  check(): void
  /** Of the step that was reported last; undefined for any other. */
  metricOf(step: number, metric: string): number | undefined
}

/**
 * @param resumedAfter steps that were taken before.
 * @param skipped counters of skipped updates after those.
 */
export function createStepReports(
  { request, recorder, control, parts }: TrainingRun,
  resumedAfter: number,
  skipped: Metrics,
  steps: StepClock,
): StepReports {
  const skippedUpdates = watchSkippedUpdates({
    ...{ steps: request.steps, resumedAfter, before: skipped },
    note: (sentence, inPlaceOf) => {
      recorder.note(sentence, inPlaceOf)
    },
  })
  const { clock } = parts
  const practised = new Map<number, Metrics>()
  let lastReport = clock()
  let tokensSince = 0
  /** null until a resumed run has said how many tokens came before. */
  let trainedTokens: number | null = resumedAfter > 0 ? null : 0
  let diverged: Error | null = null
  let reported: { readonly step: number; readonly metrics: Metrics } | null = null
  return {
    practised: (step, metrics) => void practised.set(step, metrics),
    report(step, metrics) {
      const total = metrics.num_tokens ?? trainedTokens ?? 0
      const trainedNow = (total - (trainedTokens ?? total)) * request.configured.passes
      trainedTokens = total
      tokensSince += trainedNow
      control.countTokens(trainedNow)
      const seconds = (clock() - lastReport) / 1000
      const all = {
        ...practised.get(step),
        ...metrics,
        ...(seconds > 0 ? { [STEP_SECONDS]: seconds } : {}),
        ...(seconds > 0 && tokensSince > 0 ? { 'perf/throughput': tokensSince / seconds } : {}),
      }
      reported = { step, metrics: all }
      recorder.report(step, all)
      const skippedTooMany = skippedUpdates.take(step, all)
      diverged ??= divergenceOf(all, step, request.steps) ?? skippedTooMany
      practised.delete(step)
      lastReport = clock()
      tokensSince = 0
      steps.endStep()
      if (request.data ?? request.transcripts) steps.begin('update')
      control.advance(step + 1, `Step ${step + 1} of ${request.steps}`)
    },
    generated(tokens) {
      tokensSince += tokens
      control.countTokens(tokens)
    },
    check() {
      if (diverged) throw diverged
    },
    metricOf: (step, metric) => (reported?.step === step ? reported.metrics[metric] : undefined),
  }
}

/** Every algorithm's losses have the word in their name. Other metrics may be without a value: a variance of one, a share of none. */
const LOSS = /(^|\/)loss(\/|$)/

function divergenceOf(metrics: Metrics, step: number, steps: number): Error | null {
  const [name, value] = Object.entries(metrics).find(([one, found]) => LOSS.test(one) && !Number.isFinite(found)) ?? []
  if (name === undefined) return null
  return new Error(
    `At step ${step + 1} of ${steps} ${name} is ${String(value)}: the training diverged. Lower the learning rate, and look at the data of that step if it happens again.`,
  )
}
