import { Text } from '@mantine/core'
import type { GpuStatus } from '../../../worker/protocol'
import { jobHref } from '../../navigation/jobHref'
import { navigate } from '../../navigation/location'
import { useActiveJob } from '../../queries/jobs'
import { leaveRecording, useGpu, useStudioState } from '../../stores/studio'
import { useStartStory } from '../../story/useStartStory'
import { PrimaryButton } from '../../widgets/Panel'

const STORY_SEED = 1

function startText(gpu: GpuStatus | null): string {
  if (gpu === null) return 'Start · looking for a GPU'
  if (gpu.state === 'unavailable') return 'Start · needs WebGPU'
  return gpu.adapter.isSoftware ? 'Start · about a minute on the processor' : 'Start · about 2 min on this GPU'
}

/** The primary button: starts the story, or leads to what is running. */
export function StartButton() {
  const gpu = useGpu()
  const live = useStudioState((state) => state.live)
  const job = useActiveJob()
  const story = useStartStory()
  if (job) {
    return (
      <PrimaryButton
        size="md"
        data-testid="start-button"
        onClick={() => {
          navigate(jobHref(job))
        }}
      >
        Open the running job
      </PrimaryButton>
    )
  }
  const ready = live !== null && gpu?.state === 'ready'
  return (
    <>
      <PrimaryButton
        size="md"
        data-testid="start-button"
        disabled={!ready || story.isStarting}
        onClick={() => {
          leaveRecording()
          story.start({ kind: 'story', seed: STORY_SEED, size: null })
        }}
      >
        {story.isStarting ? 'Starting…' : startText(gpu)}
      </PrimaryButton>
      {story.error !== null && (
        <Text c="var(--hone-unsolved)" role="alert">
          {story.error}
        </Text>
      )}
    </>
  )
}
