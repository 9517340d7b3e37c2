import { useState, type ReactNode } from 'react'
import { StepButtons } from '../../labelling/StepButtons'
import { WhatIfStrip, type StripView } from '../../labelling/WhatIfStrip'
import { TrajectoryReader } from '../../trajectory/TrajectoryReader'
import { Loading, Panel } from '../../widgets/Panel'
import { RecordBoundary } from '../../widgets/RecordBoundary'
import { ErrorPanel } from '../../widgets/ProblemList'
import type { LabelPageState } from './useLabelPage'

interface LabelReaderProps {
  readonly state: LabelPageState
  readonly onStep: (step: number) => void
  /** What is drawn under the open step, below the strip. */
  readonly underStep: ReactNode
}

/** The open trajectory; under its current step, what a label does to the advantages. */
export function LabelReader({ state, onStep, underStep }: LabelReaderProps) {
  const { queue, labels, step, steps, draft, actions } = state
  const { trajectory } = queue
  const [view, setView] = useState<StripView>({ kind: 'advantages', options: {} })
  if (!trajectory)
    return queue.error === null ? <Loading lines={6} /> : <ErrorPanel title="This trajectory could not be opened." details={queue.error} />
  return (
    <Panel title={`Step ${step + 1} of ${steps}`} aside={<StepButtons onStep={actions.step} onTrajectory={actions.trajectory} />}>
      <RecordBoundary key={trajectory.trajectory_id} kind="Trajectory" name={trajectory.trajectory_id}>
        <TrajectoryReader
          trajectory={trajectory}
          labels={labels}
          step={step}
          onStep={onStep}
          hideOpinions
          underCurrent={
            <>
              <WhatIfStrip
                trajectoryId={trajectory.trajectory_id}
                step={step}
                before={draft.before}
                after={draft.after}
                view={view}
                onView={setView}
              />
              {underStep}
            </>
          }
        />
      </RecordBoundary>
    </Panel>
  )
}
