import { Button, Group, Text } from '@mantine/core'
import { useVirtualizer } from '@tanstack/react-virtual'
import { useRef } from 'react'
import type { Problem } from '../../worker/protocol'
import { counted } from '../format'
import { VisibleText } from '../trajectory/VisibleText'
import { CopyText } from '../widgets/CopyText'
import { problemText } from '../widgets/ProblemList'
import classes from './dataset.module.css'
import { problemsCsv } from './datasetText'
import { downloadFile } from '../downloadFile'

/** What was wrong, where, what was expected and what was found. The good rows are in. */
export function ProblemsTable({ name, problems }: { readonly name: string; readonly problems: readonly Problem[] }) {
  const scroller = useRef<HTMLDivElement>(null)
  const virtual = useVirtualizer({
    count: problems.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => 58,
    overscan: 10,
    initialRect: { width: 600, height: 600 },
  })
  if (problems.length === 0) return <Text c="dimmed">Every row was read.</Text>
  return (
    <>
      <Group justify="space-between" mb={8}>
        <Text size="xs" c="dimmed">
          {counted(problems.length, 'problem')}. Rows without one are imported.
        </Text>
        <Group gap={8}>
          <CopyText text={problems.map(problemText).join('\n')} label="Copy all" />
          <Button
            onClick={() => {
              downloadFile(`${name}.problems.csv`, problemsCsv(problems), 'text/csv')
            }}
          >
            Download as CSV
          </Button>
        </Group>
      </Group>
      <div
        ref={scroller}
        className={classes.table}
        style={{ height: `min(55dvh, ${problems.length * 58 + 2}px)`, border: '1px solid var(--hone-line)' }}
        role="region"
        aria-label="Problems"
        tabIndex={0}
      >
        <div style={{ height: virtual.getTotalSize(), position: 'relative' }}>
          {virtual.getVirtualItems().map((item) => {
            const problem = problems[item.index]
            if (!problem) return null
            return (
              <div
                key={item.key}
                ref={virtual.measureElement}
                data-index={item.index}
                className={classes.problem}
                data-testid="problem-row"
                style={{ position: 'absolute', top: 0, left: 0, right: 0, transform: `translateY(${item.start}px)` }}
              >
                <span className={classes.num} style={{ textAlign: 'left' }}>
                  {problem.row === null ? 'file' : `row ${problem.row}`}
                </span>
                <span className={classes.num} style={{ textAlign: 'left' }}>
                  <VisibleText text={problem.column ?? '–'} />
                </span>
                <span>
                  <VisibleText text={problem.message} />
                </span>
                <small>
                  Expected <VisibleText text={problem.expected} /> · found{' '}
                  <code>
                    <VisibleText text={problem.found} />
                  </code>
                </small>
              </div>
            )
          })}
        </div>
      </div>
    </>
  )
}
