import { Button } from '@mantine/core'
import { useState } from 'react'

/** A deletion in two presses, without a dialog: the second press must come while the button says so. */
export function ConfirmButton({
  label,
  confirmLabel,
  onConfirm,
  ariaLabel,
  testId,
  size = 'compact-xs',
}: {
  readonly size?: 'compact-xs' | 'xs'
  readonly label: string
  readonly confirmLabel: string
  readonly onConfirm: () => void
  readonly ariaLabel?: string
  readonly testId?: string
}) {
  const [asking, setAsking] = useState(false)
  return (
    <Button
      size={size}
      data-testid={testId}
      aria-label={asking ? undefined : ariaLabel}
      {...(asking ? { color: 'red' } : {})}
      variant={asking ? 'outline' : 'default'}
      onClick={() => {
        setAsking(!asking)
        if (asking) onConfirm()
      }}
      onBlur={() => {
        setAsking(false)
      }}
    >
      {asking ? confirmLabel : label}
    </Button>
  )
}
