import { Button, Text, Textarea, TextInput } from '@mantine/core'
import { useState } from 'react'
import type { LabelState, NewOpinion } from '../../worker/protocol'
import { Panel } from '../widgets/Panel'
import { Term } from '../widgets/Term'
import classes from './labelling.module.css'
import { humanJudgement, parseReward, type Choice, type Judgement } from './reward'

interface JudgementProps {
  readonly trajectoryId: string
  readonly step: number
  /** The step whose reward is the answer's status. */
  readonly isAnswer: boolean
  readonly annotator: string
  readonly labels: LabelState | null
  readonly onStore: (rows: readonly NewOpinion[]) => void
  /** A judgement pointed at or being typed; null when there is none. */
  readonly onPoint: (choice: Choice | { readonly name: 'reward'; readonly value: number } | null) => void
  readonly onUndo: () => void
  readonly note: string
  readonly onNote: (note: string) => void
}

const CONTRIBUTION_KEYS = 'qwerty'
const STATUSES = [
  { value: 1, label: 'Solved', key: 's', id: 'solved' },
  { value: 0.5, label: 'Unsure', key: 'u', id: 'unsure' },
  { value: 0, label: 'Unsolved', key: 'n', id: 'unsolved' },
] as const

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
  const button = (choice: Choice, label: string, key: string, testId: string) => (
    <button
      key={testId}
      type="button"
      className={classes.choice}
      data-testid={testId}
      aria-pressed={judgement[choice.name] === choice.value}
      aria-keyshortcuts={key}
      onClick={() => {
        choose(choice)
      }}
      onMouseEnter={() => {
        onPoint(choice)
      }}
      onMouseLeave={() => {
        onPoint(null)
      }}
      onFocus={() => {
        onPoint(choice)
      }}
      onBlur={() => {
        onPoint(null)
      }}
    >
      {label}
      <span className={classes.key}>{key}</span>
    </button>
  )
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
        {!isAnswer && (
          <>
            <div className={classes.row} role="group" aria-label="Success">
              <span className={classes.rowName}>
                <Term of="success">Success</Term> <span>did the call work?</span>
              </span>
              <div className={classes.choices}>
                {button({ name: 'success', value: 0 }, 'No', '0', 'success-0')}
                {button({ name: 'success', value: 1 }, 'Yes', '1', 'success-1')}
              </div>
            </div>
            <div className={classes.row} role="group" aria-label="Contribution">
              <span className={classes.rowName}>
                <Term of="contribution">Contribution</Term> <span>to the answer, 0–5</span>
              </span>
              <div className={classes.choices}>
                {[0, 1, 2, 3, 4, 5].map((value) =>
                  button({ name: 'contribution', value }, String(value), CONTRIBUTION_KEYS[value] ?? '', `contribution-${value}`),
                )}
              </div>
            </div>
          </>
        )}
        {isAnswer && (
          <div className={classes.row} role="group" aria-label="Status">
            <span className={classes.rowName}>
              Status <span>of the final answer</span>
            </span>
            <div className={classes.choices}>
              {STATUSES.map((status) => button({ name: 'status', value: status.value }, status.label, status.key, `status-${status.id}`))}
            </div>
          </div>
        )}
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
          description="Kept with your label, never read by training."
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

function RewardInput({
  stored,
  onPoint,
  onStore,
}: {
  readonly stored: number | null
  readonly onPoint: JudgementProps['onPoint']
  readonly onStore: (value: number | null) => void
}) {
  const [text, setText] = useState(stored === null ? '' : String(stored))
  const { value, problem } = parseReward(text)
  const commit = (): void => {
    onPoint(null)
    if (problem === null && value !== stored) onStore(value)
  }
  return (
    <TextInput
      label="Or a reward directly"
      description="0 to 1. Enter stores it. What you give last counts."
      inputMode="decimal"
      data-testid="reward-input"
      value={text}
      error={problem}
      onChange={(event) => {
        setText(event.currentTarget.value)
        const typed = parseReward(event.currentTarget.value)
        onPoint(typed.value === null ? null : { name: 'reward', value: typed.value })
      }}
      onBlur={commit}
      onKeyDown={(event) => {
        if (event.key === 'Enter') commit()
        if (event.key === 'Escape') {
          setText(stored === null ? '' : String(stored))
          onPoint(null)
          event.currentTarget.blur()
        }
      }}
    />
  )
}
