import { Group, Text } from '@mantine/core'
import type { ReactNode } from 'react'
import type { Problem } from '../../worker/protocol'
import { visibleText } from '../format'
import { CopyText } from './CopyText'
import classes from './widgets.module.css'

function place(problem: Problem): string {
  const row = problem.row === null ? '' : ` · row ${problem.row}`
  const column = problem.column === null ? '' : ` · column ${problem.column}`
  return `${problem.file}${row}${column}`
}
export const problemText = (problem: Problem): string =>
  `${place(problem)}: ${problem.message} Expected ${problem.expected}; found ${problem.found}.`

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
