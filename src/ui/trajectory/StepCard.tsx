import { useEffect, useRef, useState } from 'react'
import type { ReactNode } from 'react'
import type { Opinion, ResolvedReward } from '../../records/annotation'
import type { ToolCall, TrajectoryStep } from '../../records/trajectory'
import { formatCount } from '../format'
import { signatureArguments } from './callSignature'
import { OpinionList } from './OpinionList'
import { outcomeWords, stepTokenCount, type StepOutcome } from './timelineLayout'
import classes from './trajectory.module.css'
import { parsedObservation } from './valueRows'
import { ValueTree } from './ValueTree'
import { FoldedText, VisibleText } from './VisibleText'

/** `name(city: "Velmora", days: 3)`. */
function CallSignature({ call }: { readonly call: ToolCall }) {
  return (
    <>
      <span className={classes.toolName}>
        <VisibleText text={call.name || '(no name)'} most={200} />
      </span>
      (<wbr />
      {signatureArguments(call).map((argument, index) => (
        <span key={argument.name}>
          {index > 0 && ', '}
          <span className={classes.argumentName}>
            <VisibleText text={argument.name} most={200} />:{' '}
          </span>
          <VisibleText text={argument.text} />
        </span>
      ))}
      )
    </>
  )
}

/** Whether an answer is right is another question, which the trajectory's status answers. */
const signs: Readonly<Record<StepOutcome, string>> = {
  ok: '✓',
  failed: '✕',
  'no-reply': '◐',
  unreadable: '✕',
  final: '●',
  'gave-up': '○',
  cut: '◐',
  pruned: '◐',
}

function Outcome({ outcome }: { readonly outcome: StepOutcome }) {
  const bad = outcome === 'failed' || outcome === 'unreadable'
  return (
    <span className={bad ? classes.failedText : outcome === 'ok' ? classes.okText : undefined}>
      {signs[outcome]} {outcomeWords[outcome]}
    </span>
  )
}

function Part({ name, aside, children }: { readonly name: string; readonly aside?: ReactNode; readonly children: ReactNode }) {
  return (
    <div className={classes.part}>
      <div className={classes.partName}>
        <span>{name}</span>
        {aside}
      </div>
      {children}
    </div>
  )
}

export function Observation({ text }: { readonly text: string }) {
  const value = parsedObservation(text)
  const [asText, setAsText] = useState(false)
  const showTree = value !== undefined && !asText
  return (
    <Part
      name={`Observation · ${formatCount(text.length)} characters`}
      aside={
        value !== undefined && (
          <button
            type="button"
            className={classes.linkButton}
            onClick={() => {
              setAsText(!asText)
            }}
          >
            {asText ? 'As tree' : 'As text'}
          </button>
        )
      }
    >
      {showTree ? <ValueTree value={value} label="Observation" /> : <FoldedText text={text} testId="observation" />}
    </Part>
  )
}

interface StepCardProps {
  readonly index: number
  readonly step: TrajectoryStep
  readonly outcome: StepOutcome
  readonly resolved: ResolvedReward | null
  readonly opinions: readonly Opinion[]
  readonly current?: boolean
  readonly onSelect?: () => void
  /** The card is folded to its head. */
  readonly compact?: boolean
  readonly children?: ReactNode
}

/** One step: the call as a signature, what it was given, what came back, who thinks what of it. */
export function StepCard({
  index,
  step,
  outcome,
  resolved,
  opinions,
  current = false,
  onSelect,
  compact = false,
  children,
}: StepCardProps) {
  const ref = useRef<HTMLElement>(null)
  const arrived = useRef(false)
  useEffect(() => {
    // The first step is in sight when the page opens; a page that scrolls by itself would only hide its head.
    if (current && (arrived.current || index > 0)) ref.current?.scrollIntoView({ block: 'nearest' })
    arrived.current = true
  }, [current, index])
  const { tokens, estimated } = stepTokenCount(step)
  const argumentsShortened = step.call !== null && signatureArguments(step.call).some((argument) => argument.shortened)
  const head = (
    <>
      <span className={classes.number}>{index + 1}</span>
      <span className={classes.signature}>
        {step.call ? (
          <CallSignature call={step.call} />
        ) : (
          <span className={classes.quiet}>{step.is_final ? 'final answer' : 'text without a call'}</span>
        )}
      </span>
      <span className={classes.cardFacts}>
        <Outcome outcome={outcome} />
        <span title={estimated ? 'Estimated: about four characters a token' : 'Tokens the model wrote'}>
          {estimated ? '≈ ' : ''}
          {formatCount(tokens)} tokens
        </span>
        {resolved && resolved.value !== null && (
          <span className={classes.reward} title={`Reward, from ${resolved.annotatorId ?? 'an opinion'}`}>
            {resolved.value.toFixed(2)}
          </span>
        )}
        {resolved && resolved.value === null && <span>unlabelled</span>}
      </span>
    </>
  )
  return (
    <article
      ref={ref}
      className={classes.card}
      data-testid="step-card"
      data-step={index}
      data-outcome={outcome}
      data-current={current}
      aria-label={`Step ${index + 1}`}
      aria-current={current ? 'step' : undefined}
    >
      {onSelect ? (
        <button type="button" className={classes.cardHead} onClick={onSelect}>
          {head}
        </button>
      ) : (
        <div className={classes.cardHead}>{head}</div>
      )}
      {!compact && (
        <>
          {step.thought !== '' && (
            <Part name="Thought">
              <FoldedText text={step.thought} prose />
            </Part>
          )}
          {step.call?.error !== undefined && (
            <Part name="Not a readable call">
              <FoldedText text={step.call.error} />
            </Part>
          )}
          {step.call && argumentsShortened && (
            <Part name="Arguments">
              <ValueTree value={step.call.arguments} label="Arguments" />
            </Part>
          )}
          {(!step.call || step.call.error !== undefined) && (
            <Part name={step.is_final ? 'Answer' : 'Completion'}>
              <FoldedText text={step.completion} />
            </Part>
          )}
          {step.observation !== null && <Observation text={step.observation} />}
          {opinions.length > 0 && (
            <Part name="Opinions">
              <OpinionList opinions={opinions} step={index} />
            </Part>
          )}
        </>
      )}
      {children}
    </article>
  )
}
