import { Component } from 'react'
import type { ReactNode } from 'react'
import { nameText } from '../format'
import { ErrorPanel } from './ProblemList'

interface BoundaryProps {
  /** What is drawn: `Trajectory`, `Run`. */
  readonly kind: string
  /** Its id or name. */
  readonly name: string
  /** In one line, for a row of a list. */
  readonly inline?: boolean
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
    const { kind, name, inline = false, children } = this.props
    if (!error) return children
    if (inline)
      return (
        <span data-testid="record-problem" title={nameText(error.message)}>
          {kind} {nameText(name)} cannot be shown.
        </span>
      )
    return (
      <div data-testid="record-problem">
        <ErrorPanel title={`${kind} ${nameText(name)} cannot be shown.`} details={error.message}>
          It is stored as it was, and the others are not affected: choose another one.
        </ErrorPanel>
      </div>
    )
  }
}
