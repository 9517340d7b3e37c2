import { Button, Group, Text } from '@mantine/core'
import type { UnfinishedDownload as Download } from '../../worker/protocol'
import { ConfirmButton } from '../dataset/ConfirmButton'
import { formatBytes } from '../format'
import { VisibleText } from '../trajectory/VisibleText'
import classes from './models.module.css'

interface UnfinishedDownloadProps {
  readonly download: Download
  readonly onContinue: () => void
  readonly onRemove: () => void
}

/** What an interrupted download left: it can continue, or be deleted. */
export function UnfinishedDownload({ download, onContinue, onRemove }: UnfinishedDownloadProps) {
  return (
    <div className={classes.unfinished} style={{ marginTop: 12 }} data-testid="unfinished">
      <Text size="xs">
        <VisibleText
          text={`${download.title} from ${download.host}: ${formatBytes(download.keptBytes)} of ${formatBytes(download.bytes)} are here.`}
        />
      </Text>
      <Group gap={8}>
        <Button
          size="compact-xs"
          data-testid="download-continue"
          onClick={() => {
            onContinue()
          }}
        >
          Continue
        </Button>
        <ConfirmButton
          label="Delete"
          confirmLabel="Delete what arrived"
          ariaLabel={`Delete the download of ${download.title}`}
          onConfirm={() => {
            onRemove()
          }}
        />
      </Group>
    </div>
  )
}
