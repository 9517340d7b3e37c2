import { Group, Stack, Text } from '@mantine/core'
import type { ReactNode } from 'react'
import type { Problem } from '../../worker/protocol'
import { visibleText } from '../format'
import { CopyText } from './CopyText'
import classes from './widgets.module.css'

const SHOWN = 100

function place(problem: Problem): string {
  const row = problem.row === null ? '' : ` · row ${problem.row}`
  const column = problem.column === null ? '' : ` · column ${problem.column}`
  return `${problem.file}${row}${column}`
}
export const problemText = (problem: Problem): string =>
  `${place(problem)}: ${problem.message} Expected ${problem.expected}; found ${problem.found}.`

/** What was wrong in a file: where, what was expected, what was found. The first hundred; Copy takes them all. */
export function ProblemList({ problems }: { readonly problems: readonly Problem[] }) {
  if (problems.length === 0) return <Text c="dimmed">No problems.</Text>
  return (
    <Stack gap={8}>
      <Group justify="space-between">
        <Text c="dimmed">
          {problems.length === 1 ? '1 problem' : `${problems.length} problems`}
          {problems.length > SHOWN && `, the first ${SHOWN} shown`}
        </Text>
        <CopyText text={problems.map(problemText).join('\n')} label="Copy all" />
      </Group>
      <Stack component="ul" gap={8} m={0} p={0} style={{ listStyle: 'none' }}>
        {problems.slice(0, SHOWN).map((problem, index) => (
          <li key={index} className={classes.problem}>
            <Text size="xs" c="dimmed" className={classes.numeric}>
              {visibleText(place(problem))}
            </Text>
            <Text>{visibleText(problem.message)}</Text>
            <Text size="xs">
              Expected {visibleText(problem.expected)} · found <span className={classes.numeric}>{visibleText(problem.found)}</span>
            </Text>
          </li>
        ))}
      </Stack>
    </Stack>
  )
}

/** What happened, what was kept, what to do; details folded. */
export function ErrorPanel({
  title,
  children,
  details,
  actions,
}: {
  readonly title: string
  readonly children?: ReactNode
  readonly details?: string
  readonly actions?: ReactNode
}) {
  return (
    <div className={classes.problem} role="alert">
      <Text fw={600}>{title}</Text>
      {children !== undefined && <Text mt={2}>{children}</Text>}
      {details !== undefined && details !== '' && (
        <details>
          <summary>Details</summary>
          <pre className={classes.code}>{visibleText(details)}</pre>
        </details>
      )}
      <Group gap={8} mt={8}>
        {actions}
        {details !== undefined && <CopyText text={`${title}\n${details}`} />}
      </Group>
    </div>
  )
}
