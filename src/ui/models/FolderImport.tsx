import { Button, Group, Text } from '@mantine/core'
import { visibleText } from '../format'
import { useStudio } from '../stores/studio'
import { ImportProgress } from '../widgets/ImportProgress'
import classes from './models.module.css'

interface FolderImportProps {
  readonly of: 'models' | 'adapters'
  readonly name: string
  readonly importId: string
}

/** A model or an adapter while its files are read and stored, with the button that stops it. */
export function FolderImport({ of, name, importId }: FolderImportProps) {
  const studio = useStudio()
  return (
    <div className={classes.importing} role="group" aria-label={`Import of ${visibleText(name)}`} data-testid="folder-import">
      <Group justify="space-between" gap={8} mb={4}>
        <Text fw={600}>{visibleText(name)}</Text>
        <Button
          size="compact-xs"
          data-testid="import-stop"
          onClick={() => {
            void studio[of].cancelImport(importId)
          }}
        >
          Stop
        </Button>
      </Group>
      <ImportProgress importId={importId} stored="bytes" />
    </div>
  )
}
