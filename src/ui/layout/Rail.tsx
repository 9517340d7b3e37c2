import { AppShell } from '@mantine/core'
import { Link } from 'wouter'
import { placesOf, type Place } from '../navigation/places'
import type { PageDescription } from '../pages/definePage'
import { Icon } from '../widgets/Icon'
import classes from './frame.module.css'

interface RailProps {
  readonly pages: readonly PageDescription[]
  readonly current: Place | undefined
}

/** The pages at the left edge. */
export function Rail({ pages, current }: RailProps) {
  return (
    <AppShell.Navbar component="nav" aria-label="Pages" className={classes.rail ?? ''}>
      {placesOf(pages).map(({ page, navigation: { label, icon } }) => (
        <Link
          key={page.path}
          href={page.path}
          className={classes.place ?? ''}
          aria-current={page === current?.page ? 'page' : undefined}
          aria-keyshortcuts={page.shortcut}
          title={label}
        >
          <Icon name={icon} />
          <span>{label}</span>
        </Link>
      ))}
    </AppShell.Navbar>
  )
}
