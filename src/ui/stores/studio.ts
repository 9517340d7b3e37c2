/** Which studio the page speaks to: the engine worker, or the recorded run laid over it. */
import { useCallback } from 'react'
import { create } from 'zustand'
import type { AlgorithmDescription, GpuStatus, Reply, StudioDescription } from '../../worker/protocol'
import type { LiveStudio, RecordedStudio, StudioApi } from '../../worker/studioApi'
import { connectLive, openRecording } from '../../worker/client'
import { deliverEvents, listenToEvents } from './events'

export type Source = 'connecting' | 'live' | 'recorded' | 'failed'

interface StudioState {
  readonly source: Source
  readonly studio: StudioApi | null
  readonly description: StudioDescription | null
  readonly gpu: GpuStatus | null
  readonly live: LiveStudio | null
  readonly recording: RecordedStudio | null
  /** Why the engine worker did not start. */
  readonly failure: string | null
}

export const useStudioState = create<StudioState>(() => ({
  source: 'connecting',
  studio: null,
  description: null,
  gpu: null,
  live: null,
  recording: null,
  failure: null,
}))

listenToEvents((events) => {
  for (const event of events) if (event.type === 'gpu') useStudioState.setState({ gpu: event.status })
})

/** Starts the worker and asks for the GPU. Without WebGPU the recorded run opens, so that every screen has something real to show. */
export async function connectStudio(): Promise<void> {
  useStudioState.setState({ source: 'connecting', failure: null, gpu: null })
  const reply = await connectLive(deliverEvents)
  if (!reply.ok) {
    useStudioState.setState({
      source: 'failed',
      failure: reply.message,
      live: null,
      gpu: { state: 'unavailable', cause: 'worker', message: reply.message },
    })
    return
  }
  const live = reply.value
  useStudioState.setState({ source: 'live', studio: live.studio, description: live.description, live })
  const gpu = await live.studio.gpu.status()
  useStudioState.setState({ gpu })
  if (gpu.state === 'unavailable') await watchRecording()
}

/** Lays the recorded run over the live studio. */
export async function watchRecording(): Promise<Reply<RecordedStudio>> {
  const { live, recording } = useStudioState.getState()
  const reply: Reply<RecordedStudio> = recording ? { ok: true, value: recording } : await openRecording(live)
  if (reply.ok) {
    useStudioState.setState({
      source: 'recorded',
      recording: reply.value,
      studio: reply.value.studio,
      description: live?.description ?? reply.value.description,
    })
  }
  return reply
}

export function leaveRecording(): void {
  const { live, failure } = useStudioState.getState()
  useStudioState.setState(
    live
      ? { source: 'live', studio: live.studio, description: live.description }
      : { source: failure === null ? 'connecting' : 'failed', studio: null, description: null },
  )
}

/** The studio. Pages inside `StudioGate` (all but Home) always have one. */
export function useStudio(): StudioApi {
  const studio = useStudioState((state) => state.studio)
  if (!studio) throw new Error('useStudio was called outside StudioGate.')
  return studio
}
export const useStudioOrNull = (): StudioApi | null => useStudioState((state) => state.studio)
export function useDescription(): StudioDescription {
  const description = useStudioState((state) => state.description)
  if (!description) throw new Error('useDescription was called outside StudioGate.')
  return description
}
const useDescriptionOrNull = (): StudioDescription | null => useStudioState((state) => state.description)
/** The description of an algorithm; null where the catalogue does not know it. */
export function useAlgorithm(): (algorithm: string | null) => AlgorithmDescription | null {
  const description = useDescriptionOrNull()
  return useCallback((algorithm) => description?.algorithms.find((one) => one.name === algorithm) ?? null, [description])
}
/** A method's title as the catalogue has it; its name where the catalogue does not know it. */
export function useMethodTitle(): (algorithm: string | null) => string | null {
  const description = useDescriptionOrNull()
  return (algorithm) => (algorithm === null ? null : (description?.algorithms.find((one) => one.name === algorithm)?.title ?? algorithm))
}
/** null until the worker answered. */
export const useGpu = (): GpuStatus | null => useStudioState((state) => state.gpu)
export const useSource = (): Source => useStudioState((state) => state.source)
/** The recorded run while the pages show it; else null. */
export const useRecording = (): RecordedStudio | null => useStudioState((state) => (state.source === 'recorded' ? state.recording : null))
