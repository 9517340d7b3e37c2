import { Group, Stack, Text } from '@mantine/core'
import type { RunDetail } from '../../../worker/protocol'
import type { ExamPair } from '../../queries/exams'
import { useRecording } from '../../stores/studio'
import { NextActions } from '../../story/NextActions'
import classes from '../../story/story.module.css'
import { meanCalls, storySentence } from '../../story/storyModel'
import { useStartStory } from '../../story/useStartStory'
import { PrimaryButton } from '../../widgets/Panel'

/** What came of it in one sentence, and what to do next. */
export function Sentence({ detail, exam }: { readonly detail: RunDetail; readonly exam: ExamPair }) {
  const recording = useRecording()
  const longer = useStartStory()
  const story = detail.story
  if (!story?.afterRate || !story.difference) return null
  const sentence = storySentence(story.beforeRate, story.afterRate, story.difference, [
    meanCalls(exam.before.cells),
    meanCalls(exam.after.cells),
  ])
  const { run } = detail
  return (
    <Stack gap={12}>
      <div role="status">
        <Text className={classes.sentence} size="lg" fw={600} data-testid="story-sentence">
          {sentence.numbers}
          {sentence.verdict !== null && ` ${sentence.verdict}`}
        </Text>
        {detail.run.adapter?.isSoftware === true && sentence.verdict !== null && (
          <Text c="dimmed">A small run on the processor: gains this small are usually noise.</Text>
        )}
      </div>
      {sentence.verdict !== null && !recording && (
        <Group gap={8}>
          <PrimaryButton
            onClick={() => {
              longer.start({
                kind: 'story',
                seed: run.seed + 1,
                size: 'gpu',
                ...(run.algorithm === null ? {} : { algorithm: run.algorithm }),
              })
            }}
          >
            Train longer
          </PrimaryButton>
          {longer.error !== null && <Text c="var(--hone-unsolved)">{longer.error}</Text>}
        </Group>
      )}
      <NextActions run={run} />
    </Stack>
  )
}
