/** A trajectory in a few lines, the step to look at framed. The reader on Trajectories shows the rest. */
import { Anchor, Group, Text } from '@mantine/core'
import { memo, useEffect, useRef } from 'react'
import { Link } from 'wouter'
import { chosenPath } from '../../records/trajectory'
import type { Trajectory } from '../../records/trajectory'
import { visibleText } from '../format'
import { hrefs } from '../navigation/hrefs'
import { useTrajectory } from '../queries/trajectories'
import { signatureText } from '../trajectory/callSignature'
import { Loading } from '../widgets/Panel'
import { StatusMark } from '../widgets/StatusMark'
import { outcomeWords, stepOutcome } from '../trajectory/timelineLayout'
import { wrongStep, wrongStepReason } from './storyModel'
import classes from './story.module.css'

const OBSERVATION_CHARACTERS = 400

function cut(text: string, characters: number): string {
  return visibleText(text.length > characters ? `${text.slice(0, characters)}…` : text)
}

function Steps({ record, focus }: { readonly record: Trajectory; readonly focus: number }) {
  const framed = useRef<HTMLLIElement>(null)
  useEffect(() => {
    framed.current?.scrollIntoView({ block: 'nearest' })
  }, [record, focus])
  return (
    <ol className={classes.steps}>
      {chosenPath(record).map(({ index, step }) => (
        <li key={index} className={classes.step} aria-current={index === focus ? 'step' : undefined} ref={index === focus ? framed : null}>
          <Group justify="space-between" gap={8}>
            <Text size="xs" c="dimmed">
              step {index + 1}
              {index === focus && ` · ${wrongStepReason(record, index)}`}
            </Text>
            {step.truth && (
              <Text size="xs" c="dimmed">
                {outcomeWords[stepOutcome(record, index)]} · {step.truth.needed ? 'needed' : 'not needed'}
              </Text>
            )}
          </Group>
          <div className={classes.call}>
            {step.call ? visibleText(signatureText(step.call)) : cut(step.completion, OBSERVATION_CHARACTERS)}
          </div>
          {step.observation !== null && <div className={classes.observation}>→ {cut(step.observation, OBSERVATION_CHARACTERS)}</div>}
        </li>
      ))}
    </ol>
  )
}

function TrajectoryBriefView({
  trajectoryId,
  runId,
  title,
}: {
  readonly trajectoryId: string | null
  readonly runId: string
  readonly title?: string
}) {
  const { data: record, error } = useTrajectory(trajectoryId)
  if (trajectoryId === null) return <Text c="dimmed">{title === undefined ? '' : `${title}: `}not answered yet</Text>
  if (error !== null) return <Text c="var(--hone-unsolved)">{error}</Text>
  if (!record) return <Loading label="Loading the trajectory" lines={4} />
  const focus = wrongStep(record)
  return (
    <div>
      <Group justify="space-between" gap={8} mb={4}>
        <Group gap={8}>
          {title !== undefined && <Text fw={600}>{title}</Text>}
          <StatusMark status={record.status} />
        </Group>
        <Anchor component={Link} href={hrefs.trajectory(trajectoryId, { run: runId, step: focus })} size="xs">
          Open in the reader
        </Anchor>
      </Group>
      <Steps record={record} focus={focus} />
      {record.answer !== null && (
        <Text mt={4} size="xs">
          Answer: {cut(record.answer, OBSERVATION_CHARACTERS)}
        </Text>
      )}
    </div>
  )
}
export const TrajectoryBrief = memo(TrajectoryBriefView)
