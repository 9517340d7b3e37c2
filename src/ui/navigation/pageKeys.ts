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

interface LegendRow {
  readonly keys: string
  readonly does: string
}
type Legend = readonly LegendRow[]
const isRow = (row: unknown): row is LegendRow => typeof row === 'object' && row !== null && 'keys' in row && 'does' in row

export const usePageLegend = create<{ readonly legend: Legend }>(() => ({ legend: [] }))

export function usePageKeys(keys: readonly PageKey[]): void {
  useHotkeys(keys.map((key): HotkeyItem => [key.keys, key.run, { preventDefault: key.preventDefault ?? true }]))
  // Functions are new at every render; the legend's text is not.
  const legend = JSON.stringify(keys.map(({ keys: combination, does }): LegendRow => ({ keys: combination, does })))
  useEffect(() => {
    const read: unknown = JSON.parse(legend)
    const rows: Legend = Array.isArray(read) ? read.filter(isRow) : []
    usePageLegend.setState({ legend: rows })
    return () => {
      if (usePageLegend.getState().legend === rows) usePageLegend.setState({ legend: [] })
    }
  }, [legend])
}
