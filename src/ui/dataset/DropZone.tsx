import { useEffect, useEffectEvent, useRef, useState } from 'react'
import { Button, Text } from '@mantine/core'
import { PrimaryButton } from '../widgets/Panel'
import classes from './dataset.module.css'
import { droppedFiles } from './datasetText'

/** Files may be dropped anywhere on the page, or picked. */
export function DropZone({
  onFiles,
  onSample,
  formats,
}: {
  readonly onFiles: (files: readonly File[]) => void
  readonly onSample: () => void
  readonly formats: readonly string[]
}) {
  const [over, setOver] = useState(false)
  const picker = useRef<HTMLInputElement>(null)
  const take = useEffectEvent((files: readonly File[]) => {
    if (files.length > 0) onFiles(files)
  })
  useEffect(() => {
    const abort = new AbortController()
    const { signal } = abort
    const holdsFiles = (event: DragEvent): boolean => event.dataTransfer?.types.includes('Files') ?? false
    document.addEventListener(
      'dragover',
      (event) => {
        if (!holdsFiles(event)) return
        event.preventDefault()
        setOver(true)
      },
      { signal },
    )
    document.addEventListener(
      'dragleave',
      (event) => {
        // Leaving the window, not an element inside it.
        if (event.relatedTarget === null) setOver(false)
      },
      { signal },
    )
    document.addEventListener(
      'drop',
      (event) => {
        if (!holdsFiles(event) || !event.dataTransfer) return
        event.preventDefault()
        setOver(false)
        take(droppedFiles(event.dataTransfer))
      },
      { signal },
    )
    return () => {
      abort.abort()
    }
  }, [])
  return (
    <div className={classes.drop} data-testid="drop-zone">
      <div>
        <Text fw={600}>Drop files anywhere on this page</Text>
        <Text size="xs" c="dimmed">
          {formats.length > 0 ? `Recognised by content: ${formats.join(', ')}.` : 'Recognised by content.'} Files stay on this computer.
        </Text>
      </div>
      <div style={{ display: 'flex', gap: 8, flexWrap: 'wrap' }}>
        <PrimaryButton onClick={() => picker.current?.click()}>Open files</PrimaryButton>
        <Button onClick={onSample}>Download a sample CSV</Button>
        <input
          ref={picker}
          type="file"
          multiple
          className={classes.hidden}
          data-testid="file-input"
          aria-label="Data files"
          tabIndex={-1}
          onChange={(event) => {
            const files = [...(event.currentTarget.files ?? [])]
            if (files.length > 0) onFiles(files)
            event.currentTarget.value = ''
          }}
        />
      </div>
      {over && <div className={classes.overlay}>Drop to import</div>}
    </div>
  )
}
