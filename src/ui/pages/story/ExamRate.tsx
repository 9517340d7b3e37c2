import { Group, Text } from '@mantine/core'
import type { StoryResult } from '../../../worker/protocol'
import type { Exam } from '../../queries/exams'
import { rateOfCells } from '../../story/storyModel'
import classes from '../../story/story.module.css'
import { RateBar, RateNumber, type RateCircumstances } from '../../widgets/RateBar'

/** How many exam questions were solved, with the interval; so far, while the exam fills. */
export function ExamRate({
  exam: { cells, total },
  story,
  which,
  testId,
}: {
  readonly exam: Exam
  readonly story: StoryResult | null
  readonly which: 'before' | 'after'
  readonly testId: string
}) {
  const recorded = which === 'before' ? story?.beforeRate : story?.afterRate
  const rate = recorded ?? rateOfCells(cells)
  const record = which === 'before' ? story?.before : story?.after
  const about: RateCircumstances = { set: 'exam', budget: record?.call_budget ?? null, judge: record?.judge ?? null }
  if (rate.n === 0) return null
  return (
    <Group gap={12} align="center" wrap="nowrap">
      <span className={classes.rate} data-testid={testId}>
        {rate.passed} of {rate.n}
      </span>
      <div style={{ width: 200 }}>
        <RateBar rate={rate} about={about} />
        <Text size="xs" c="dimmed">
          <RateNumber rate={rate} about={about} />
          {rate.n < total && ` so far, of ${total}`}
        </Text>
      </div>
    </Group>
  )
}
