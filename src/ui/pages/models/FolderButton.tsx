import { useEffect, useRef } from 'react'
import classes from '../../models/models.module.css'
import { PrimaryButton } from '../../widgets/Panel'

interface FolderButtonProps {
  readonly isReading: boolean
  readonly onFiles: (files: readonly File[]) => void
}

/** Picks a folder on this computer. */
export function FolderButton({ isReading, onFiles }: FolderButtonProps) {
  const picker = useRef<HTMLInputElement>(null)
  useEffect(() => {
    // React has no name for this attribute.
    picker.current?.setAttribute('webkitdirectory', '')
  }, [])
  return (
    <>
      <PrimaryButton onClick={() => picker.current?.click()} loading={isReading}>
        Import a folder
      </PrimaryButton>
      <input
        ref={picker}
        type="file"
        multiple
        className={classes.hidden}
        aria-label="Model folder"
        data-testid="model-folder"
        tabIndex={-1}
        onChange={(event) => {
          const files = [...(event.currentTarget.files ?? [])]
          event.currentTarget.value = ''
          if (files.length > 0) onFiles(files)
        }}
      />
    </>
  )
}
