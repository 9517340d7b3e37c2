import { Text } from '@mantine/core'
import { JudgementPanel } from '../../labelling/JudgementPanel'
import { Suggestions } from '../../labelling/Suggestions'
import { ErrorPanel } from '../../widgets/ProblemList'
import type { LabelPageState } from './useLabelPage'

/** The person's judgement of the open step, what happened last, and what others say. */
export function JudgementColumn({ state }: { readonly state: LabelPageState }) {
  const { queue, step, isAnswer, annotator, labels, draft, labelling, suggestions, store, acceptSuggestion } = state
  const { trajectory } = queue
  return (
    <div style={{ display: 'grid', gridTemplateColumns: 'minmax(0, 1fr)', gap: 8 }}>
      {trajectory && (
        <JudgementPanel
          trajectoryId={trajectory.trajectory_id}
          step={step}
          isAnswer={isAnswer}
          annotator={annotator}
          labels={labels}
          onStore={store}
          onPoint={draft.point}
          onUndo={labelling.undo}
          note={draft.note}
          onNote={draft.setNote}
        />
      )}
      <Text size="xs" c="dimmed" role="status" aria-live="polite" mih={17} px={4} data-testid="label-status">
        {labelling.status}
      </Text>
      {labelling.error !== null && (
        <ErrorPanel title="The label was not stored." details={labelling.error}>
          Everything stored before is still there.
        </ErrorPanel>
      )}
      {trajectory && <Suggestions suggestions={suggestions} onAccept={acceptSuggestion} />}
    </div>
  )
}
