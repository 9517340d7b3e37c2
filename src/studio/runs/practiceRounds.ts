/** Rounds of practice for an online run: rolled out, labelled, and shown phase by phase the first time. */
import type { LabelledTrajectory } from '../../training/batches/labelledTrajectory'
import { stepOfRound } from '../../training/batches/rounds'
import type { AdapterTensors } from '../../training/policy/adapterTensors'
import type { AdvantageRecorder } from './advantageRecorder'
import type { ActingPolicy } from './policyBackend'
import { createPractice, practiceMetrics } from './practice'
import { shuffledRewards } from './shuffledRewards'
import type { StepClock } from './stepClock'
import type { StepReports } from './stepReports'
import type { TrainingRun } from './trainingRun'

export interface PracticeRounds {
  readonly next: (policy: ActingPolicy, round: number) => Promise<readonly LabelledTrajectory[]>
  /** The newest adapter that practised, which is stored when the person stops the run. */
  newest(): { readonly step: number; readonly tensors: AdapterTensors } | null
}

interface RoundParts {
  readonly reports: StepReports
  readonly advantages: Pick<AdvantageRecorder, 'settle'>
  readonly clock: StepClock
}

export function createPracticeRounds({ request, control, parts }: TrainingRun, { reports, advantages, clock }: RoundParts): PracticeRounds {
  const { practice: plan, steps, seed } = request
  const practice = createPractice(plan, control, parts)
  let newest: ReturnType<PracticeRounds['newest']> = null
  let isFirst = true
  return {
    newest: () => newest,
    async next(policy, round) {
      const step = stepOfRound(round)
      await advantages.settle()
      clock.begin('practice')
      newest = { step, tensors: await policy.adapter() }
      if (isFirst) control.phase('rollout', plan.queriesPerStep * plan.samplesPerQuery, 'Practising')
      const { trajectories, leftOut } = await practice.batch(policy, round, (done, total) => {
        clock.advance(done / total)
        if (isFirst) control.advance(done)
        else control.say(`Practising for step ${step + 1} of ${steps}: ${done} of ${total}`)
      })
      if (isFirst) control.phase('rewards', trajectories.length, 'Scoring every step')
      const labelled = await practice.label(trajectories, round, (done) => {
        if (isFirst) control.advance(done)
      })
      clock.begin('update')
      if (round === step) reports.practised(step, practiceMetrics(labelled, leftOut))
      if (isFirst) {
        parts.gpu.announce()
        control.phase('training', steps, 'Preparing the first step')
        isFirst = false
      } else control.say(`Training on step ${step + 1} of ${steps}`)
      return plan.shufflesRewards ? shuffledRewards(labelled, seed, round) : labelled
    },
  }
}
