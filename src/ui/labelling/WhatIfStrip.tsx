import { SegmentedControl } from '@mantine/core'
import { useMemo } from 'react'
import { formatNumber } from '../format'
import { heatColour } from '../trajectory/heatTokens'
import { VisibleText } from '../trajectory/VisibleText'
import { ErrorPanel } from '../widgets/ProblemList'
import { Term } from '../widgets/Term'
import classes from './labelling.module.css'
import { basisSentence, useAdvantages, type AdvantageOptions } from './useAdvantages'
import { signed, stripOfStep, type AdvantageKind, type StripToken } from './whatIf'

export interface StripView {
  readonly kind: AdvantageKind
  readonly options: AdvantageOptions
}

interface WhatIfProps {
  readonly trajectoryId: string
  readonly step: number
  /** Rewards when this step was opened. */
  readonly before: readonly (number | null)[]
  /** Rewards with the label given, typed or pointed at. */
  readonly after: readonly (number | null)[]
  readonly view: StripView
  readonly onView: (view: StripView) => void
}

/** Token text is drawn up to here; the bars always hold every token. */
const TOKENS_DRAWN = 400

function Bar({
  tokens,
  of,
  scale,
  label,
}: {
  readonly tokens: readonly StripToken[]
  readonly of: 'before' | 'after'
  readonly scale: number
  readonly label: string
}) {
  return (
    <svg
      className={classes.stripBar}
      viewBox={`0 0 ${Math.max(1, tokens.length)} 1`}
      preserveAspectRatio="none"
      role="img"
      aria-label={label}
    >
      {tokens.map((token, index) => (
        <rect key={token.at} x={index} y={0} width={1} height={1} style={{ fill: heatColour(token[of], scale, true) ?? 'transparent' }} />
      ))}
    </svg>
  )
}

/** What this label does: the advantage of each token of the step, and the loss, before and with it. */
export function WhatIfStrip({ trajectoryId, step, before, after, view, onView }: WhatIfProps) {
  const was = useAdvantages(trajectoryId, before, view.options)
  const is = useAdvantages(trajectoryId, after, view.options)
  const strip = useMemo(
    () => (was.preview && is.preview ? stripOfStep(was.preview, is.preview, step, view.kind) : null),
    [was.preview, is.preview, step, view.kind],
  )
  const error = was.error ?? is.error
  const changed = JSON.stringify(before) !== JSON.stringify(after)
  const notTrained = is.preview?.tokens.notTrainedSteps.includes(step) ?? false
  return (
    <section
      className={`${classes.strip ?? ''} ${is.current && was.current ? '' : (classes.waiting ?? '')}`}
      aria-label="What this label does"
      data-testid="advantage-strip"
      data-changed={changed}
    >
      <div className={classes.stripHead}>
        <strong>
          What this label does to the <Term of="advantage">advantage</Term>
        </strong>
        <span style={{ display: 'inline-flex', gap: 8, flexWrap: 'wrap' }}>
          <SegmentedControl
            size="xs"
            aria-label="Which advantage"
            value={view.kind}
            onChange={(kind) => {
              onView({ ...view, kind: kind })
            }}
            data={[
              { value: 'advantages', label: 'GAE' },
              { value: 'whitened', label: 'Whitened' },
            ]}
          />
          <SegmentedControl
            size="xs"
            aria-label="Reward weighting"
            value={view.options.step_reward_weighting ?? is.preview?.step_reward_weighting ?? ''}
            onChange={(weighting) => {
              if (weighting === '') return
              onView({ ...view, options: { ...view.options, step_reward_weighting: weighting } })
            }}
            data={[
              { value: 'released', label: 'As released' },
              { value: 'paper', label: 'As in the paper' },
            ]}
          />
        </span>
      </div>
      {is.preview?.basis && <span className={classes.stripBasis}>{basisSentence(is.preview.basis)}</span>}
      {error !== null && <ErrorPanel title="The advantages could not be computed.">{error}</ErrorPanel>}
      {notTrained && <span>None of this step’s tokens carry loss after truncation: its label changes nothing by itself.</span>}
      {strip && (
        <>
          <div className={classes.stripRow}>
            <span>before</span>
            <Bar tokens={strip.tokens} of="before" scale={strip.scale} label={`Advantages before, mean ${signed(strip.meanBefore)}`} />
            <span className={classes.stripMean} title="Mean over the step’s tokens">
              {signed(strip.meanBefore)}
            </span>
          </div>
          <div className={classes.stripRow}>
            <span>with this label</span>
            <Bar
              tokens={strip.tokens}
              of="after"
              scale={strip.scale}
              label={`Advantages with this label, mean ${signed(strip.meanAfter)}`}
            />
            <span className={classes.stripMean}>{signed(strip.meanAfter)}</span>
          </div>
          <pre className={classes.stripTokens} tabIndex={0} role="group" aria-label="Tokens of this step, coloured by advantage">
            {strip.tokens.slice(0, TOKENS_DRAWN).map((token) => (
              <span
                key={token.at}
                style={{ background: heatColour(token.after, strip.scale, true) }}
                title={`${signed(token.before, 4)} → ${signed(token.after, 4)}`}
              >
                <VisibleText text={token.text} />
              </span>
            ))}
            {strip.tokens.length > TOKENS_DRAWN && ` … ${strip.tokens.length - TOKENS_DRAWN} more tokens, all of them in the bars above`}
          </pre>
          <div className={classes.stripHead}>
            <span data-testid="whatif-loss" className={classes.value}>
              loss {formatNumber(was.preview?.loss ?? Number.NaN, 4)} → {formatNumber(is.preview?.loss ?? Number.NaN, 4)}
            </span>
            <span>
              {strip.alsoMoves.length > 0
                ? `also moves ${strip.alsoMoves.map((one) => `step ${one.step + 1} ${signed(one.by)}`).join(', ')}`
                : changed
                  ? 'no other step moves'
                  : 'point at a judgement to see its effect'}
            </span>
          </div>
        </>
      )}
    </section>
  )
}
