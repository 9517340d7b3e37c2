import { VisuallyHidden } from '@mantine/core'
import { useMemo } from 'react'
import { stepsOf, type Trajectory } from '../../records/trajectory'
import { nameText } from '../format'
import { outcomeWords, timelineBoxes, treeLayout } from './timelineLayout'
import classes from './trajectory.module.css'
import { VisibleText } from './VisibleText'

interface TimelineProps {
  readonly trajectory: Trajectory
  readonly rewards: readonly (number | null)[]
  readonly step: number
  readonly onStep: (step: number) => void
}

/** Steps on one line: width by tokens, foot by outcome, height of the filling by reward. */
export function Timeline({ trajectory, rewards, step, onStep }: TimelineProps) {
  const boxes = useMemo(() => timelineBoxes(trajectory, rewards), [trajectory, rewards])
  return (
    <div className={classes.timeline} role="group" aria-label="Timeline of steps">
      {boxes.map((box) => {
        const reward = box.reward === null ? 'no reward' : `reward ${box.reward.toFixed(2)}`
        return (
          <button
            key={box.index}
            type="button"
            className={classes.box}
            style={{ flexGrow: box.width * 1000, flexBasis: 0 }}
            data-outcome={box.outcome}
            aria-current={box.index === step ? 'step' : undefined}
            title={`${box.index + 1} · ${nameText(box.label)} · ${outcomeWords[box.outcome]} · ${box.tokensEstimated ? '≈ ' : ''}${box.tokens} tokens · ${reward}`}
            onClick={() => {
              onStep(box.index)
            }}
          >
            {box.reward !== null && (
              <span className={classes.boxReward} style={{ height: `${Math.max(0, Math.min(1, box.reward)) * 56}%` }} />
            )}
            <VisuallyHidden>Step {box.index + 1}: </VisuallyHidden>
            <span className={classes.boxLabel}>
              <VisibleText text={box.label} most={120} />
            </span>
            <VisuallyHidden>, {outcomeWords[box.outcome]}, reward </VisuallyHidden>
            <span className={classes.boxValue}>{box.reward === null ? '–' : box.reward.toFixed(2)}</span>
          </button>
        )
      })}
    </div>
  )
}

const COLUMN = 112
const LANE = 34

/** A search tree, left to right; the chosen path is thick, what was given up is dashed. */
export function SearchTree({ trajectory, step, onStep }: Omit<TimelineProps, 'rewards'>) {
  const layout = useMemo(() => treeLayout(trajectory), [trajectory])
  const at = new Map(layout.nodes.map((node) => [node.index, node]))
  const x = (depth: number): number => 8 + depth * COLUMN
  const y = (lane: number): number => 6 + lane * LANE
  const height = layout.lanes * LANE + 6
  const width = layout.depth * COLUMN + 8
  return (
    <div className={classes.search} style={{ maxHeight: 240 }} role="group" aria-label="Search tree" tabIndex={0}>
      <div style={{ position: 'relative', width, height }}>
        <svg width={width} height={height} aria-hidden="true" style={{ position: 'absolute', inset: 0 }}>
          {layout.nodes.map((node) => {
            const parent = node.parent === null ? undefined : at.get(node.parent)
            if (!parent) return null
            const from = [x(parent.depth) + COLUMN - 20, y(parent.lane) + 12] as const
            const to = [x(node.depth), y(node.lane) + 12] as const
            const middle = (from[0] + to[0]) / 2
            return (
              <path
                key={node.index}
                d={`M${from[0]} ${from[1]}H${middle}V${to[1]}H${to[0]}`}
                fill="none"
                stroke="var(--hone-line-strong)"
                strokeWidth={node.chosen ? 2 : 1}
                strokeDasharray={node.chosen ? undefined : '3 3'}
              />
            )
          })}
        </svg>
        {layout.nodes.map((node) => {
          const label = stepsOf(trajectory)[node.index]?.call?.name ?? 'text'
          return (
            <button
              key={node.index}
              type="button"
              className={classes.node}
              style={{ left: x(node.depth), top: y(node.lane), width: COLUMN - 20 }}
              data-chosen={node.chosen}
              aria-current={node.index === step ? 'step' : undefined}
              title={nameText(label)}
              onClick={() => {
                onStep(node.index)
              }}
            >
              {node.index + 1} <VisibleText text={label} most={120} />
              <VisuallyHidden>{node.chosen ? ', on the chosen path' : ', given up'}</VisuallyHidden>
            </button>
          )
        })}
      </div>
    </div>
  )
}
