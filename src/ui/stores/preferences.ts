/** What the person chose and wants kept between visits. */
import { create } from 'zustand'
import { persist } from 'zustand/middleware'

interface Preferences {
  readonly workspace: string
  /** The name opinions are signed with. */
  readonly annotator: string
  readonly smoothing: number
  /** Widths of resizable panels, by name. */
  readonly panels: Readonly<Record<string, number>>
}

export const usePreferences = create<Preferences>()(
  persist((): Preferences => ({ workspace: 'My workspace', annotator: 'me', smoothing: 0, panels: {} }), {
    name: 'hone-preferences',
    version: 1,
    partialize: ({ workspace, annotator, smoothing, panels }) => ({ workspace, annotator, smoothing, panels }),
  }),
)
export const setPreferences = (patch: Partial<Preferences>): void => {
  usePreferences.setState(patch)
}
