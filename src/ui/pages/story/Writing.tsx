import { Text } from '@mantine/core'
import type { JobSnapshot } from '../../../worker/protocol'
import { visibleText } from '../../format'
import { useWritingNow } from '../../stores/writing'
import classes from '../../story/story.module.css'

/** What the model is writing now. */
export function Writing({ runId, job }: { readonly runId: string; readonly job: JobSnapshot }) {
  const text = useWritingNow(runId)
  if (text === '') return <Text c="dimmed">{visibleText(job.message)}</Text>
  return (
    <div>
      <Text size="xs" c="dimmed">
        {visibleText(job.message === '' ? 'Writing now' : job.message)}
      </Text>
      <pre className={classes.writing} aria-hidden="true">
        {visibleText(text)}
      </pre>
    </div>
  )
}
