import type { ReactNode } from 'react'
import { useStudioState } from '../stores/studio'
import { Loading } from '../widgets/Panel'
import { NoGpu } from '../widgets/NoGpu'

/** Pages inside always have a studio: the worker's, or the recorded run's. */
export function StudioGate({ children }: { readonly children: ReactNode }) {
  const ready = useStudioState((state) => state.studio !== null && state.description !== null)
  const failed = useStudioState((state) => state.source === 'failed')
  if (ready) return <>{children}</>
  return failed ? <NoGpu /> : <Loading label="Starting the engine" lines={4} />
}
