import { Tooltip } from '@mantine/core'
import type { ReactNode } from 'react'
import { glossary } from '../glossary'
import type { GlossaryTerm } from '../glossary'
import classes from './widgets.module.css'

/** A word with its meaning on hover, focus and touch. `of` names the glossary entry; the shown text defaults to its title. */
export function Term({ of, children }: { readonly of: GlossaryTerm; readonly children?: ReactNode }) {
  const entry = glossary[of]
  return (
    <Tooltip label={entry.text}>
      <span
        className={classes.term}
        tabIndex={0}
        role="note"
        aria-label={`${typeof children === 'string' ? children : entry.title}: ${entry.text}`}
      >
        {children ?? entry.title}
      </span>
    </Tooltip>
  )
}

/** A definition that comes from data (a metric's or a parameter's meaning). */
export function Explained({ text, children }: { readonly text: string; readonly children: ReactNode }) {
  if (text === '') return <>{children}</>
  return (
    <Tooltip label={text}>
      <span className={classes.term} tabIndex={0} role="note" aria-label={`${typeof children === 'string' ? `${children}: ` : ''}${text}`}>
        {children}
      </span>
    </Tooltip>
  )
}
