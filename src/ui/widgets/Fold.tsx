import { useState } from 'react'
import type { ReactNode } from 'react'

/** A `<details>` whose content is only made when it is opened. */
export function Fold({ summary, children }: { readonly summary: ReactNode; readonly children: ReactNode }) {
  const [open, setOpen] = useState(false)
  return (
    <details
      onToggle={(event) => {
        setOpen(event.currentTarget.open)
      }}
    >
      <summary>{summary}</summary>
      {open && children}
    </details>
  )
}
