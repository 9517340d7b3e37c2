import { Button } from '@mantine/core'
import { useClipboard } from '@mantine/hooks'

/** Copies `text`; says so for two seconds. */
export function CopyText({ text, label = 'Copy' }: { readonly text: string; readonly label?: string }) {
  const { copied, error, copy } = useClipboard({ timeout: 2000 })
  return (
    <Button
      onClick={() => {
        copy(text)
      }}
      aria-live="polite"
    >
      {error ? 'Copy failed: select the text' : copied ? 'Copied' : label}
    </Button>
  )
}
