/** What the person chose and wants kept between visits. */
import { create } from 'zustand'
import { persist } from 'zustand/middleware'

interface Preferences {
  readonly workspace: string
  /** The name opinions are signed with. */
  readonly annotator: string
  readonly smoothing: number
  /** What the GPU has: WebGPU does not say. null: nobody said. */
  readonly gpuMemoryGb: number | null
  /** Widths of resizable panels, by name. */
  readonly panels: Readonly<Record<string, number>>
}

export const usePreferences = create<Preferences>()(
  persist((): Preferences => ({ workspace: 'My workspace', annotator: 'me', smoothing: 0, gpuMemoryGb: null, panels: {} }), {
    name: 'hone-preferences',
    version: 1,
    partialize: ({ workspace, annotator, smoothing, gpuMemoryGb, panels }) => ({ workspace, annotator, smoothing, gpuMemoryGb, panels }),
  }),
)
/** Bytes, as the studio takes them. */
export const useGpuMemory = (): number | undefined => {
  const gb = usePreferences((state) => state.gpuMemoryGb)
  return gb === null ? undefined : gb * 1e9
}
export const setPreferences = (patch: Partial<Preferences>): void => {
  usePreferences.setState(patch)
}
