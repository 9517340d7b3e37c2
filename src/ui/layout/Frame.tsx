/** The frame around every page: rail, top bar, banners, palette and keys. */
import { ActionIcon, AppShell, Kbd, Tooltip, UnstyledButton } from '@mantine/core'
import { useHotkeys, type HotkeyItem } from '@mantine/hooks'
import { lazy, Suspense, useEffect, useRef, useState } from 'react'
import type { ReactNode } from 'react'
import { Link, useLocation } from 'wouter'
import { hrefs } from '../navigation/hrefs'
import { navigate } from '../navigation/location'
import { placeAt } from '../navigation/places'
import type { PageDescription } from '../pages/definePage'
import { Icon, Mark } from '../widgets/Icon'
import { Banners } from './Banners'
import { GpuChip } from './GpuChip'
import { JobPill } from './JobPill'
import { NetworkMark } from './NetworkMark'
import { Rail } from './Rail'
import { SchemeToggle } from './SchemeToggle'
import { Workspace } from './Workspace'
import classes from './frame.module.css'

const Palette = lazy(() => import('./Palette'))
const KeysHelp = lazy(() => import('./KeysHelp'))

/** Keys that open a page. They go by the place of the key, because Alt and Shift turn its letter into another on some keyboards. */
function usePageShortcuts(pages: readonly PageDescription[]): void {
  useHotkeys(
    pages.flatMap(({ shortcut, path }): HotkeyItem[] =>
      shortcut === undefined
        ? []
        : [
            [
              shortcut,
              () => {
                navigate(path)
              },
              { usePhysicalKeys: true },
            ],
          ],
    ),
  )
}

export function Frame({ pages, children }: { readonly pages: readonly PageDescription[]; readonly children: ReactNode }) {
  const [path] = useLocation()
  const [open, setOpen] = useState<'palette' | 'keys' | null>(null)
  const main = useRef<HTMLDivElement>(null)
  const place = placeAt(pages, path)
  usePageShortcuts(pages)
  useHotkeys([
    [
      'mod+K',
      () => {
        setOpen('palette')
      },
    ],
    [
      'shift+?',
      () => {
        setOpen('keys')
      },
    ],
    [
      '?',
      () => {
        setOpen('keys')
      },
    ],
  ])
  useEffect(() => {
    document.title = place && place.page.path !== hrefs.home() ? `${place.page.title} · Hone` : 'Hone'
    scrollTo({ top: 0 })
  }, [path, place])
  const close = (): void => {
    setOpen(null)
  }
  return (
    <AppShell header={{ height: 44 }} navbar={{ width: { base: 44, md: 152 }, breakpoint: 0 }} padding={0} transitionDuration={0}>
      <AppShell.Header className={classes.header ?? ''}>
        <UnstyledButton
          className={classes.skip ?? ''}
          onClick={() => {
            main.current?.focus()
          }}
        >
          Skip to the page
        </UnstyledButton>
        <Link href={hrefs.home()} className={classes.brand ?? ''} aria-label="Hone, home">
          <Mark />
          <span className={classes.brandWord}>Hone</span>
        </Link>
        <Workspace />
        <div className={classes.grow} />
        <JobPill />
        <GpuChip />
        <NetworkMark />
        <Tooltip
          label={
            <>
              Find pages, runs, trajectories, actions <Kbd size="xs">mod+K</Kbd>
            </>
          }
        >
          <ActionIcon
            aria-label="Find pages, runs, trajectories and actions"
            aria-keyshortcuts="Control+K Meta+K"
            onClick={() => {
              setOpen('palette')
            }}
          >
            <Icon name="search" />
          </ActionIcon>
        </Tooltip>
        <SchemeToggle />
      </AppShell.Header>
      <Rail pages={pages} current={place} />
      <AppShell.Main className={classes.main ?? ''} id="main" ref={main} tabIndex={-1}>
        <Banners />
        <div className={classes.inner}>{children}</div>
      </AppShell.Main>
      <Suspense>
        {open === 'palette' && <Palette pages={pages} close={close} />}
        {open === 'keys' && <KeysHelp pages={pages} close={close} />}
      </Suspense>
    </AppShell>
  )
}
