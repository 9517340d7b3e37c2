import { Tooltip } from '@mantine/core'
import type { RateWithInterval } from '../../worker/protocol'
import { counted, formatShare } from '../format'
import classes from './widgets.module.css'

/** What a rate was measured under: it belongs in the tooltip of every rate. */
export interface RateCircumstances {
  readonly set: string
  readonly budget: number | null
  readonly judge: string | null
}

function rateText(rate: RateWithInterval, about: RateCircumstances): string {
  const [low, high] = rate.interval
  const budget = about.budget === null ? '' : ` · at most ${counted(about.budget, 'call')}`
  const judge = about.judge === null ? '' : ` · judged by ${about.judge}`
  return `${rate.passed} of ${rate.n} solved · 95% interval ${formatShare(low)} to ${formatShare(high)} (Wilson) · ${about.set}${budget}${judge}`
}

/** A rate as a bar with its interval drawn over it. */
export function RateBar({
  rate,
  about,
  colour = 'var(--hone-solved)',
  width,
}: {
  readonly rate: RateWithInterval
  readonly about: RateCircumstances
  readonly colour?: string
  readonly width?: number
}) {
  const [low, high] = rate.interval
  const text = rateText(rate, about)
  return (
    <Tooltip label={text}>
      <div className={classes.rateBar} style={width === undefined ? undefined : { width }} role="img" aria-label={text} tabIndex={0}>
        <div className={classes.rateFill} style={{ width: `${rate.rate * 100}%`, background: colour }} />
        <div className={classes.rateInterval} style={{ left: `${low * 100}%`, width: `${(high - low) * 100}%` }} />
      </div>
    </Tooltip>
  )
}

/** `35% [23, 49]` in tabular figures, everything else on hover. */
export function RateNumber({ rate, about }: { readonly rate: RateWithInterval; readonly about: RateCircumstances }) {
  const [low, high] = rate.interval
  return (
    <Tooltip label={rateText(rate, about)}>
      <span className={classes.numeric} tabIndex={0} role="note" aria-label={`${formatShare(rate.rate)}. ${rateText(rate, about)}`}>
        {formatShare(rate.rate)} [{Math.round(low * 100)}, {Math.round(high * 100)}]
      </span>
    </Tooltip>
  )
}
