import { Switch, Text } from '@mantine/core'
import { useMemo, useState } from 'react'
import type { ReactNode } from 'react'
import { stepsOf, type Trajectory } from '../../records/trajectory'
import type { LabelState } from '../../worker/protocol'
import { counted } from '../format'
import { basisSentence, useStoredAdvantages } from '../labelling/useAdvantages'
import { Loading } from '../widgets/Panel'
import { ErrorPanel } from '../widgets/ProblemList'
import { StatusMark } from '../widgets/StatusMark'
import { StepCard } from './StepCard'
import { SearchTree, Timeline } from './Timeline'
import { timelineBoxes, treeLayout } from './timelineLayout'
import { TokenHeat } from './TokenHeat'
import classes from './trajectory.module.css'
import { FoldedText, VisibleText } from './VisibleText'

interface ReaderProps {
  readonly trajectory: Trajectory
  readonly labels: LabelState | null
  readonly step: number
  readonly onStep: (step: number) => void
  /** What is drawn under the current step. */
  readonly underCurrent?: ReactNode
  /** Hide the opinions: the labelling page shows them beside the judgement. */
  readonly hideOpinions?: boolean
}

const STOP_WORDS: Readonly<Record<Trajectory['stop_condition'], string>> = {
  finish: 'finished',
  budget: 'call budget used up',
  length: 'context full',
  error: 'ended by an error',
  cancelled: 'cancelled',
}

/** What a trajectory is, in one line under its question. */
export function TrajectoryFacts({ trajectory }: { readonly trajectory: Trajectory }) {
  const facts = [
    counted(stepsOf(trajectory).length, 'step'),
    STOP_WORDS[trajectory.stop_condition],
    trajectory.budgets.calls === null ? null : `budget ${counted(trajectory.budgets.calls, 'call')}`,
    trajectory.agent.strategy === '' ? null : trajectory.agent.strategy,
    trajectory.task.split === '' ? null : trajectory.task.split,
    trajectory.source === '' ? null : trajectory.source,
  ].filter((fact) => fact !== null)
  return (
    <span className={classes.cardFacts}>
      {trajectory.status !== null && <StatusMark status={trajectory.status} />}
      <span style={{ overflowWrap: 'anywhere' }}>
        <VisibleText text={facts.join(' · ')} most={400} />
      </span>
    </span>
  )
}

export function TrajectoryReader({ trajectory, labels, step: wanted, onStep, underCurrent, hideOpinions = false }: ReaderProps) {
  const step = Math.max(0, Math.min(wanted, stepsOf(trajectory).length - 1))
  const [showTokens, setShowTokens] = useState(false)
  const rewards = useMemo(() => stepsOf(trajectory).map((_, index) => labels?.resolved[index]?.value ?? null), [trajectory, labels])
  const isTree = useMemo(() => treeLayout(trajectory).isTree, [trajectory])
  const outcomes = useMemo(() => timelineBoxes(trajectory, rewards).map((box) => box.outcome), [trajectory, rewards])
  return (
    <div style={{ display: 'grid', gridTemplateColumns: 'minmax(0, 1fr)', gap: 8 }}>
      <div>
        <FoldedText text={trajectory.task.query} lines={4} prose />
        <TrajectoryFacts trajectory={trajectory} />
      </div>
      <Timeline trajectory={trajectory} rewards={rewards} step={step} onStep={onStep} />
      {isTree && <SearchTree trajectory={trajectory} step={step} onStep={onStep} />}
      <div className={classes.readerBar}>
        <Switch
          label="Tokens"
          checked={showTokens}
          onChange={(event) => {
            setShowTokens(event.currentTarget.checked)
          }}
        />
        <details>
          <summary className={classes.quiet} style={{ cursor: 'pointer', fontSize: 12 }}>
            Prompt and {trajectory.task.tools.length} tools
          </summary>
          <FoldedText text={stepsOf(trajectory)[0]?.prompt ?? ''} lines={30} />
        </details>
      </div>
      {showTokens && <Tokens trajectory={trajectory} />}
      {stepsOf(trajectory).map((one, index) => (
        <StepCard
          key={index}
          index={index}
          step={one}
          outcome={outcomes[index] ?? 'ok'}
          resolved={labels?.resolved[index] ?? null}
          opinions={hideOpinions ? [] : (labels?.opinions.filter((opinion) => opinion.step === index) ?? [])}
          current={index === step}
          onSelect={() => {
            onStep(index)
          }}
        >
          {index === step && underCurrent}
        </StepCard>
      ))}
    </div>
  )
}

function Tokens({ trajectory }: { readonly trajectory: Trajectory }) {
  const { data: preview, error } = useStoredAdvantages(trajectory.trajectory_id)
  if (error !== null) return <ErrorPanel title="The tokens could not be prepared." details={error} />
  if (!preview) return <Loading label="Preparing tokens" />
  const cut = preview.tokens.truncatedTokens
  return (
    <>
      {cut > 0 && (
        <Text size="xs" c="dimmed">
          {cut.toLocaleString('en')} tokens exceeded {preview.basis?.limits ?? 'the length limits'} and are not shown.
        </Text>
      )}
      {preview.basis && (
        <Text size="xs" c="dimmed">
          {basisSentence(preview.basis)}
        </Text>
      )}
      <TokenHeat preview={preview} trajectory={trajectory} />
    </>
  )
}
