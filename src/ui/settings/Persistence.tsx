import { Button, Group, Text } from '@mantine/core'
import { useEffect, useState } from 'react'

/** Whether the browser may clear what is stored, and the button that asks it not to. */
export function Persistence() {
  const [state, setState] = useState<'asking' | 'kept' | 'best-effort' | 'refused' | 'unknown'>('asking')
  useEffect(() => {
    // Not there on insecure origins.
    const manager = (navigator as { storage?: StorageManager }).storage
    Promise.resolve(manager?.persisted())
      .then((kept) => {
        setState(kept === undefined ? 'unknown' : kept ? 'kept' : 'best-effort')
      })
      .catch(() => {
        setState('unknown')
      })
  }, [])
  const words = {
    asking: '',
    kept: 'Kept: the browser will not clear it without asking.',
    'best-effort': 'Best effort: the browser may clear all of it when the disk runs low.',
    refused: 'The browser refused to promise. Bookmark this page or install it, then ask again.',
    unknown: 'This browser does not say whether it keeps data.',
  }
  return (
    <Group gap={8} mt={8} data-testid="persistence">
      <Text size="xs">{words[state]}</Text>
      {(state === 'best-effort' || state === 'refused') && (
        <Button
          onClick={() => {
            navigator.storage.persist().then(
              (kept) => {
                setState(kept ? 'kept' : 'refused')
              },
              () => {
                setState('refused')
              },
            )
          }}
        >
          Ask the browser to keep it
        </Button>
      )}
    </Group>
  )
}
