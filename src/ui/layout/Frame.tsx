/** The frame around every page: rail, top bar, banners, palette and keys. */
import { ActionIcon, AppShell, Kbd, Tooltip, UnstyledButton, useComputedColorScheme, useMantineColorScheme } from '@mantine/core'
import { useHotkeys } from '@mantine/hooks'
import { lazy, Suspense, useEffect, useRef, useState } from 'react'
import type { ReactNode } from 'react'
import { Link, useLocation } from 'wouter'
import { hrefs } from '../stores/hrefs'
import { Icon, Mark } from '../widgets/Icon'
import { Banners } from './Banners'
import { GpuChip } from './GpuChip'
import { JobPill } from './JobPill'
import { NetworkMark } from './NetworkMark'
import { Workspace } from './Workspace'
import { placeOf, places } from './navigation'
import classes from './frame.module.css'

const Palette = lazy(() => import('./Palette'))
const KeysHelp = lazy(() => import('./KeysHelp'))

function Rail({ path }: { readonly path: string }) {
  const current = placeOf(path)
  return (
    <AppShell.Navbar component="nav" aria-label="Pages" className={classes.rail ?? ''}>
      {places.map((place) => (
        <Link
          key={place.label}
          href={place.href}
          className={classes.place ?? ''}
          aria-current={place === current ? 'page' : undefined}
          title={place.label}
        >
          <Icon name={place.icon} />
          <span>{place.label}</span>
        </Link>
      ))}
    </AppShell.Navbar>
  )
}

function SchemeToggle() {
  const { setColorScheme } = useMantineColorScheme()
  const dark = useComputedColorScheme('light') === 'dark'
  const label = dark ? 'Switch to light' : 'Switch to dark'
  return (
    <Tooltip label={label}>
      <ActionIcon
        aria-label={label}
        data-testid="scheme-toggle"
        onClick={() => {
          setColorScheme(dark ? 'light' : 'dark')
        }}
      >
        <Icon name={dark ? 'sun' : 'moon'} />
      </ActionIcon>
    </Tooltip>
  )
}

export function Frame({ children }: { readonly children: ReactNode }) {
  const [path] = useLocation()
  const [open, setOpen] = useState<'palette' | 'keys' | null>(null)
  const main = useRef<HTMLDivElement>(null)
  const place = placeOf(path)
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
    document.title = place && place.label !== 'Home' ? `${place.label} · Hone` : 'Hone'
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
      <Rail path={path} />
      <AppShell.Main className={classes.main ?? ''} id="main" ref={main} tabIndex={-1}>
        <Banners />
        <div className={classes.inner}>{children}</div>
      </AppShell.Main>
      <Suspense>
        {open === 'palette' && <Palette close={close} />}
        {open === 'keys' && <KeysHelp close={close} />}
      </Suspense>
    </AppShell>
  )
}
