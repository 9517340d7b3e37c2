/** One cell per question: shape and colour by status, flips outlined. Arrow keys move, Enter opens. */
import { UnstyledButton } from '@mantine/core'
import { memo, useMemo, useRef, useState } from 'react'
import type { KeyboardEvent } from 'react'
import type { ExamCell } from '../../worker/protocol'
import { counted, visibleText } from '../format'
import { STATUS_WORDS, StatusShape } from '../widgets/StatusMark'
import { flipOf } from './storyModel'
import type { Flip } from './storyModel'
import classes from './story.module.css'

interface ExamGridProps {
  readonly label: string
  readonly cells: readonly ExamCell[]
  readonly total: number
  /** The exam before, in the grid of the exam after: flips are outlined. */
  readonly before?: readonly ExamCell[]
  readonly selected: string | null
  readonly onOpen: (queryId: string) => void
  readonly testId: string
}

interface Placed {
  readonly cell: ExamCell
  readonly flip: Flip
  readonly position: number
}

function cellLabel({ cell, flip }: Placed): string {
  const status = cell.status === null ? 'not answered yet' : STATUS_WORDS[cell.status].toLowerCase()
  const change = flip === null ? '' : flip === 'gained' ? ', newly solved' : ', no longer solved'
  return `${visibleText(cell.text)}: ${status}, ${counted(cell.calls, 'call')}${change}`
}

interface CellProps {
  readonly placed: Placed
  readonly tabbable: boolean
  readonly selected: boolean
  readonly onOpen: (queryId: string) => void
}

/** A cell is drawn again only when what it shows changed, because the grid is rebuilt with every batch of events. */
function sameCell(a: CellProps, b: CellProps): boolean {
  const x = a.placed
  const y = b.placed
  return (
    x.cell.query_id === y.cell.query_id &&
    x.cell.status === y.cell.status &&
    x.cell.calls === y.cell.calls &&
    x.flip === y.flip &&
    x.position === y.position &&
    a.tabbable === b.tabbable &&
    a.selected === b.selected &&
    a.onOpen === b.onOpen
  )
}

const Cell = memo(function Cell({ placed, tabbable, selected, onOpen }: CellProps) {
  const { cell, flip, position } = placed
  const text = cellLabel(placed)
  return (
    <UnstyledButton
      className={classes.cell ?? ''}
      data-status={cell.status ?? 'waiting'}
      data-flip={flip ?? undefined}
      data-position={position}
      aria-label={text}
      title={text}
      aria-pressed={selected}
      tabIndex={tabbable ? 0 : -1}
      onClick={() => {
        onOpen(cell.query_id)
      }}
    >
      <StatusShape status={cell.status} size={11} />
    </UnstyledButton>
  )
}, sameCell)

function waitingCell(index: number): ExamCell {
  return { query_id: `waiting ${index}`, group: '', text: `Question ${index + 1}`, status: null, calls: 0, trajectory_id: null }
}

/** Questions keep the order of the exam before, so that both grids line up. */
function groupsOf(
  cells: readonly ExamCell[],
  total: number,
  before: readonly ExamCell[] | undefined,
): readonly { readonly name: string; readonly cells: readonly Placed[] }[] {
  const was = new Map((before ?? []).map((cell) => [cell.query_id, cell]))
  const now = new Map(cells.map((cell) => [cell.query_id, cell]))
  const ordered =
    before && before.length > 0
      ? before.map((cell) => now.get(cell.query_id) ?? { ...cell, status: null, calls: 0, trajectory_id: null })
      : [...cells]
  for (let index = ordered.length; index < total; index += 1) ordered.push(waitingCell(index))
  const groups = new Map<string, ExamCell[]>()
  for (const cell of ordered) groups.set(cell.group, [...(groups.get(cell.group) ?? []), cell])
  let position = 0
  return [...groups].map(([name, members]) => ({
    name,
    cells: members.map((cell): Placed => ({ cell, flip: before ? flipOf(was.get(cell.query_id), cell) : null, position: position++ })),
  }))
}

function ExamGridView({ label, cells, total, before, selected, onOpen, testId }: ExamGridProps) {
  const root = useRef<HTMLDivElement>(null)
  const [at, setAt] = useState(0)
  const groups = useMemo(() => groupsOf(cells, total, before), [cells, total, before])
  const move = (event: KeyboardEvent): void => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key]
    if (step === undefined) return
    event.preventDefault()
    const count = groups.reduce((sum, group) => sum + group.cells.length, 0)
    const next = Math.max(0, Math.min(count - 1, at + step))
    setAt(next)
    root.current?.querySelector<HTMLElement>(`[data-position="${next}"]`)?.focus()
  }
  return (
    <div
      ref={root}
      role="group"
      aria-label={label}
      data-testid={testId}
      onKeyDown={move}
      style={{ display: 'flex', flexDirection: 'column', gap: 4 }}
    >
      {groups.map((group) => (
        <div key={group.name} className={classes.group}>
          {groups.length > 1 && <span className={classes.groupName}>{visibleText(group.name)}</span>}
          <div className={classes.grid}>
            {group.cells.map((placed) => (
              <Cell
                key={placed.cell.query_id}
                placed={placed}
                tabbable={placed.position === at}
                selected={placed.cell.query_id === selected}
                onOpen={onOpen}
              />
            ))}
          </div>
        </div>
      ))}
    </div>
  )
}
export const ExamGrid = memo(ExamGridView)

/** What the shapes and outlines mean, with their counts. */
function GridKeyView({ cells, before }: { readonly cells: readonly ExamCell[]; readonly before?: readonly ExamCell[] }) {
  const count = (status: ExamCell['status']): number => cells.filter((cell) => cell.status === status).length
  const was = new Map((before ?? []).map((cell) => [cell.query_id, cell]))
  const flips = cells.map((cell) => flipOf(was.get(cell.query_id), cell))
  return (
    <div className={classes.key}>
      {(['solved', 'unsure', 'unsolved'] as const).map((status) => (
        <span key={status} style={{ color: `var(--hone-${status})`, display: 'inline-flex', gap: 4, alignItems: 'center' }}>
          <StatusShape status={status} size={10} /> {STATUS_WORDS[status]} {count(status)}
        </span>
      ))}
      {before && (
        <>
          <span>
            <span className={classes.keyCell} style={{ border: '2px solid var(--hone-solved)' }} />
            newly solved {flips.filter((flip) => flip === 'gained').length}
          </span>
          <span>
            <span className={classes.keyCell} style={{ border: '2px dashed var(--hone-unsolved)' }} />
            no longer solved {flips.filter((flip) => flip === 'lost').length}
          </span>
        </>
      )}
    </div>
  )
}
export const GridKey = memo(GridKeyView)
