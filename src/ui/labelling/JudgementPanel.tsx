import { Button, Text, Textarea } from '@mantine/core'
import type { LabelState, NewOpinion } from '../../worker/protocol'
import { Panel } from '../widgets/Panel'
import { Term } from '../widgets/Term'
import classes from './labelling.module.css'
import { Choices } from './Choices'
import { RewardInput } from './RewardInput'
import { humanJudgement, type Choice, type Judgement } from './reward'
import type { Pointed } from './useLabelDraft'

interface JudgementProps {
  readonly trajectoryId: string
  readonly step: number
  /** The step whose reward is the answer's status. */
  readonly isAnswer: boolean
  readonly annotator: string
  readonly labels: LabelState | null
  readonly onStore: (rows: readonly NewOpinion[]) => void
  /** A judgement pointed at or being typed; null when there is none. */
  readonly onPoint: (pointed: Pointed | null) => void
  readonly onUndo: () => void
  readonly note: string
  readonly onNote: (note: string) => void
}

/** The person's judgement of the current step. Suggestions stand elsewhere; nothing here is filled in by them. */
export function JudgementPanel({
  trajectoryId,
  step,
  isAnswer,
  annotator,
  labels,
  onStore,
  onPoint,
  onUndo,
  note,
  onNote,
}: JudgementProps) {
  const { judgement, newest } = humanJudgement(labels?.opinions ?? [], step, annotator)
  const resolved = labels?.resolved[step]
  const reward = resolved?.value ?? null
  const choose = (choice: Choice): void => {
    const withdraws = judgement[choice.name] === choice.value
    onStore([{ trajectory_id: trajectoryId, step, name: choice.name, value: withdraws ? null : choice.value, rationale: note }])
  }
  return (
    <Panel
      title={`Your judgement of step ${step + 1}`}
      aside={
        <Button onClick={onUndo} aria-keyshortcuts="z">
          Undo
        </Button>
      }
    >
      <div style={{ display: 'grid', gridTemplateColumns: 'minmax(0, 1fr)', gap: 10 }}>
        <div className={classes.resolved} data-testid="resolved-reward">
          <span className={classes.resolvedValue}>{reward === null ? '–' : reward.toFixed(2)}</span>
          <Text size="xs" c="dimmed">
            <Term of="reward">reward</Term> of this step,{' '}
            {reward === null
              ? 'not labelled yet'
              : `from ${resolved?.annotatorId ?? 'an opinion'}${resolved?.from === 'HUMAN' ? ', a person' : ''}`}
          </Text>
        </div>
        <Choices isAnswer={isAnswer} judgement={judgement} onChoose={choose} onPoint={onPoint} />
        <RewardInput
          key={`${trajectoryId} ${step} ${judgement.reward ?? ''}`}
          stored={judgement.reward}
          onPoint={onPoint}
          onStore={(value) => {
            onStore([{ trajectory_id: trajectoryId, step, name: 'reward', value, rationale: note }])
          }}
        />
        <Textarea
          label="Note"
          description="Stored with your label. Training never reads it."
          autosize
          minRows={1}
          maxRows={5}
          value={note}
          onChange={(event) => {
            onNote(event.currentTarget.value)
          }}
          onBlur={() => {
            const stored = humanJudgement(labels?.opinions ?? [], step, annotator)
            if (newest !== null && note !== stored.note)
              onStore([{ trajectory_id: trajectoryId, step, name: newest, value: judgement[newest], rationale: note }])
          }}
        />
        <Hint judgement={judgement} isAnswer={isAnswer} />
      </div>
    </Panel>
  )
}

function Hint({ judgement, isAnswer }: { readonly judgement: Judgement; readonly isAnswer: boolean }) {
  if (isAnswer || judgement.reward !== null) return null
  const half = (judgement.success === null) !== (judgement.contribution === null)
  if (!half) return null
  return (
    <Text size="xs" role="status">
      {judgement.success === null ? 'Success' : 'Contribution'} is still missing: the reward (success + contribution ÷ 5) ÷ 2 needs both.
    </Text>
  )
}
