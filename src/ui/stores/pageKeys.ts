/** The keys of the page: one call binds them and writes the legend that `?` opens. */
import { useHotkeys } from '@mantine/hooks'
import type { HotkeyItem } from '@mantine/hooks'
import { useEffect } from 'react'
import { create } from 'zustand'

export interface PageKey {
  /** As in @mantine/hooks: `j`, `shift+J`, `mod+K`. */
  readonly keys: string
  readonly does: string
  readonly run: (event: KeyboardEvent) => void
  /** False leaves the browser's own meaning of the key alone, such as Enter on a button. */
  readonly preventDefault?: boolean
}

type Legend = readonly { readonly keys: string; readonly does: string }[]
export const usePageLegend = create<{ readonly legend: Legend }>(() => ({ legend: [] }))

export function usePageKeys(keys: readonly PageKey[]): void {
  useHotkeys(keys.map((key): HotkeyItem => [key.keys, key.run, { preventDefault: key.preventDefault ?? true }]))
  const legend = JSON.stringify(keys.map(({ keys: combination, does }) => [combination, does]))
  useEffect(() => {
    const rows: Legend = keys.map(({ keys: combination, does }) => ({ keys: combination, does }))
    usePageLegend.setState({ legend: rows })
    return () => {
      if (usePageLegend.getState().legend === rows) usePageLegend.setState({ legend: [] })
    }
    // The legend's text stands for `keys`, whose functions are new at every render.
  }, [legend])
}
