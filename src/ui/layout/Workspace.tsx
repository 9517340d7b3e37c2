import { Popover, TextInput, UnstyledButton } from '@mantine/core'
import { useState } from 'react'
import { setPreferences, usePreferences } from '../stores/preferences'
import classes from './frame.module.css'

/** Opened many times while the GPU and the processor are busy. */
const INSTANT = { duration: 0 } as const

/** The workspace's name; click to rename. */
export function Workspace() {
  const workspace = usePreferences((state) => state.workspace)
  const [open, setOpen] = useState(false)
  return (
    <Popover opened={open} onChange={setOpen} position="bottom-start" trapFocus transitionProps={INSTANT}>
      <Popover.Target>
        <UnstyledButton
          className={classes.workspace ?? ''}
          data-testid="workspace"
          aria-label={`Workspace ${workspace}. Rename`}
          onClick={() => {
            setOpen((now) => !now)
          }}
        >
          {workspace}
        </UnstyledButton>
      </Popover.Target>
      <Popover.Dropdown>
        <TextInput
          label="Workspace name"
          value={workspace}
          maxLength={60}
          onChange={(event) => {
            setPreferences({ workspace: event.currentTarget.value })
          }}
          onKeyDown={(event) => {
            if (event.key === 'Enter') setOpen(false)
          }}
        />
      </Popover.Dropdown>
    </Popover>
  )
}
