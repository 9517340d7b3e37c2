/** The mod+K palette: every page, run, trajectory and action, found by typing. */
import { Modal, ScrollArea, Text, TextInput, UnstyledButton } from '@mantine/core'
import { useState } from 'react'
import { visibleText } from '../format'
import type { PageDescription } from '../pages/definePage'
import { findOptions, usePaletteOptions, type PaletteOption } from './paletteOptions'
import classes from './frame.module.css'

export default function Palette({ pages, close }: { readonly pages: readonly PageDescription[]; readonly close: () => void }) {
  const [query, setQuery] = useState('')
  const [at, setAt] = useState(0)
  const found = findOptions(usePaletteOptions(pages), query)
  const choose = (option: PaletteOption | undefined): void => {
    if (!option) return
    close()
    option.run()
  }
  const move = (to: number): void => {
    const next = Math.max(0, Math.min(found.length - 1, to))
    setAt(next)
    document.getElementById(`palette-${next}`)?.scrollIntoView({ block: 'nearest' })
  }
  return (
    <Modal opened onClose={close} withCloseButton={false} title={undefined} aria-label="Find" padding={8} size="md" yOffset="12vh">
      <TextInput
        data-autofocus
        aria-label="Find pages, runs, trajectories and actions"
        placeholder="Find pages, runs, trajectories, actions"
        role="combobox"
        aria-expanded
        aria-controls="palette-list"
        aria-activedescendant={found.length > 0 ? `palette-${at}` : undefined}
        value={query}
        onChange={(event) => {
          setQuery(event.currentTarget.value)
          setAt(0)
        }}
        onKeyDown={(event) => {
          if (event.key === 'ArrowDown') move(at + 1)
          else if (event.key === 'ArrowUp') move(at - 1)
          else if (event.key === 'Enter') choose(found[at])
          else return
          event.preventDefault()
        }}
      />
      <ScrollArea.Autosize mah={360} mt={8} viewportProps={{ tabIndex: -1 }}>
        <div role="listbox" id="palette-list" aria-label="Found">
          {found.map((option, index) => (
            <UnstyledButton
              key={option.id}
              id={`palette-${index}`}
              role="option"
              aria-selected={index === at}
              tabIndex={-1}
              className={classes.option ?? ''}
              onMouseEnter={() => {
                setAt(index)
              }}
              onClick={() => {
                choose(option)
              }}
            >
              <span>{visibleText(option.label)}</span>
              <Text component="span" size="xs" c="dimmed">
                {option.kind}
              </Text>
            </UnstyledButton>
          ))}
        </div>
        {found.length === 0 && (
          <Text c="dimmed" p={8}>
            Nothing found.
          </Text>
        )}
      </ScrollArea.Autosize>
    </Modal>
  )
}
