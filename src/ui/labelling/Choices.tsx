import { Term } from '../widgets/Term'
import classes from './labelling.module.css'
import type { Choice, Judgement } from './reward'
import type { Pointed } from './useLabelDraft'

const CONTRIBUTION_KEYS = 'qwerty'
const STATUSES = [
  { value: 1, label: 'Solved', key: 's', id: 'solved' },
  { value: 0.5, label: 'Unsure', key: 'u', id: 'unsure' },
  { value: 0, label: 'Unsolved', key: 'n', id: 'unsolved' },
] as const

interface ChoicesProps {
  /** The step whose reward is the answer's status. */
  readonly isAnswer: boolean
  readonly judgement: Judgement
  readonly onChoose: (choice: Choice) => void
  readonly onPoint: (pointed: Pointed | null) => void
}

/** The judgements a step can have, as buttons: success and contribution of a call, the status of an answer. */
export function Choices({ isAnswer, judgement, onChoose, onPoint }: ChoicesProps) {
  const choice = (given: Choice, label: string, key: string, testId: string) => (
    <button
      key={testId}
      type="button"
      className={classes.choice}
      data-testid={testId}
      aria-pressed={judgement[given.name] === given.value}
      aria-keyshortcuts={key}
      onClick={() => {
        onChoose(given)
      }}
      onMouseEnter={() => {
        onPoint(given)
      }}
      onMouseLeave={() => {
        onPoint(null)
      }}
      onFocus={() => {
        onPoint(given)
      }}
      onBlur={() => {
        onPoint(null)
      }}
    >
      {label}
      <span className={classes.key}>{key}</span>
    </button>
  )
  if (isAnswer)
    return (
      <div className={classes.row} role="group" aria-label="Status">
        <span className={classes.rowName}>
          Status <span>of the final answer</span>
        </span>
        <div className={classes.choices}>
          {STATUSES.map((status) => choice({ name: 'status', value: status.value }, status.label, status.key, `status-${status.id}`))}
        </div>
      </div>
    )
  return (
    <>
      <div className={classes.row} role="group" aria-label="Success">
        <span className={classes.rowName}>
          <Term of="success">Success</Term> <span>did the call work?</span>
        </span>
        <div className={classes.choices}>
          {choice({ name: 'success', value: 0 }, 'No', '0', 'success-0')}
          {choice({ name: 'success', value: 1 }, 'Yes', '1', 'success-1')}
        </div>
      </div>
      <div className={classes.row} role="group" aria-label="Contribution">
        <span className={classes.rowName}>
          <Term of="contribution">Contribution</Term> <span>to the answer, 0–5</span>
        </span>
        <div className={classes.choices}>
          {[0, 1, 2, 3, 4, 5].map((value) =>
            choice({ name: 'contribution', value }, String(value), CONTRIBUTION_KEYS[value] ?? '', `contribution-${value}`),
          )}
        </div>
      </div>
    </>
  )
}
