/** The keys of the page: one call binds them and writes the legend that `?` opens. */
import { useHotkeys } from '@mantine/hooks'
import type { HotkeyItem } from '@mantine/hooks'
import { useEffect } from 'react'
import { create } from 'zustand'
import { keyTarget, ownsKeys, takesText } from './keyTargets'

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

/** As a command to the page: not while text is written, a list is open or a dialog asks something. */
function itemOf({ keys, run, preventDefault = true }: PageKey): HotkeyItem {
  const whenFree = (event: KeyboardEvent): void => {
    const target = keyTarget(event)
    if (target && ownsKeys(target)) return
    if (preventDefault) event.preventDefault()
    run(event)
  }
  return [keys, whenFree, { preventDefault: false }]
}

/** Escape leaves a field of the page, so that the keys mean the page again. */
function leaveField(event: KeyboardEvent): void {
  const target = keyTarget(event)
  if (event.key !== 'Escape' || event.defaultPrevented || !target || !takesText(target)) return
  if (target.closest('[role="dialog"]') === null) target.blur()
}

export function usePageKeys(keys: readonly PageKey[]): void {
  // A toggle that was clicked is an input as well, and takes no letters: which targets are left alone is decided above.
  useHotkeys(keys.map(itemOf), [])
  useEffect(() => {
    document.addEventListener('keydown', leaveField)
    return () => {
      document.removeEventListener('keydown', leaveField)
    }
  }, [])
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
