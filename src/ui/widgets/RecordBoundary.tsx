import { Group } from '@mantine/core'
import { Component } from 'react'
import type { ReactNode } from 'react'
import { nameText } from '../format'
import { CopyText } from './CopyText'
import { ErrorPanel } from './ProblemList'

interface BoundaryProps {
  /** What is drawn: `Trajectory`, `Run`. */
  readonly kind: string
  /** Its title, or its id where it has none. */
  readonly name: string
  /** Its id, beside a title. */
  readonly id?: string
  /** In one line, for a row of a list. */
  readonly inline?: boolean
  /** In one row of a table that has so many columns. */
  readonly columns?: number
  readonly children: ReactNode
}
interface BoundaryState {
  readonly error: Error | null
}

/** Around the drawing of one record: one that cannot be drawn is named, and everything beside it stays. Give it the record's id as `key`. */
export class RecordBoundary extends Component<BoundaryProps, BoundaryState> {
  override state: BoundaryState = { error: null }

  static getDerivedStateFromError(error: unknown): BoundaryState {
    return { error: error instanceof Error ? error : new Error(String(error)) }
  }
  override render(): ReactNode {
    const { error } = this.state
    const { kind, name, id = name, inline = false, columns, children } = this.props
    if (!error) return children
    const called = id === name ? `${kind} ${nameText(name)}` : `${kind} “${nameText(name)}” (${nameText(id)})`
    const line = (
      <span data-testid="record-problem" title={nameText(error.message)}>
        {called} cannot be shown.
      </span>
    )
    if (columns !== undefined)
      return (
        <tr>
          <td colSpan={columns} style={{ padding: '4px 8px' }}>
            <Group gap={8}>
              {line}
              <CopyText text={`${called}\n${error.message}`} label="Copy" about={`the error of ${nameText(name)}`} />
            </Group>
          </td>
        </tr>
      )
    if (inline) return line
    return (
      <div data-testid="record-problem">
        <ErrorPanel title={`${called} cannot be shown.`} details={error.message}>
          It is stored as it was, and the others are not affected: choose another one.
        </ErrorPanel>
      </div>
    )
  }
}
