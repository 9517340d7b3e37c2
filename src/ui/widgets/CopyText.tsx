import { Button } from '@mantine/core'
import { useClipboard } from '@mantine/hooks'

interface CopyTextProps {
  readonly text: string
  readonly label?: string
  /** What is copied, for those who hear the button's name alone. */
  readonly about?: string
}
/** Copies `text`; says so for two seconds. */
export function CopyText({ text, label = 'Copy', about }: CopyTextProps) {
  const { copied, error, copy } = useClipboard({ timeout: 2000 })
  return (
    <Button
      onClick={() => {
        copy(text)
      }}
      aria-live="polite"
      {...(about === undefined ? {} : { 'aria-label': copied ? `${about} was copied` : `${label} ${about}` })}
    >
      {error ? 'Copy failed: select the text' : copied ? 'Copied' : label}
    </Button>
  )
}
