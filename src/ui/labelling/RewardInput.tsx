import { TextInput } from '@mantine/core'
import { useState } from 'react'
import { parseReward } from './reward'
import type { Pointed } from './useLabelDraft'

interface RewardInputProps {
  readonly stored: number | null
  readonly onPoint: (pointed: Pointed | null) => void
  readonly onStore: (value: number | null) => void
}

/** A reward typed as a number, from 0 to 1. */
export function RewardInput({ stored, onPoint, onStore }: RewardInputProps) {
  const [text, setText] = useState(stored === null ? '' : String(stored))
  const { value, problem } = parseReward(text)
  const commit = (): void => {
    onPoint(null)
    if (problem === null && value !== stored) onStore(value)
  }
  return (
    <TextInput
      label="Or a reward directly"
      description="0 to 1. Enter stores it. What you give last counts."
      inputMode="decimal"
      data-testid="reward-input"
      value={text}
      error={problem}
      onChange={(event) => {
        setText(event.currentTarget.value)
        const typed = parseReward(event.currentTarget.value)
        onPoint(typed.value === null ? null : { name: 'reward', value: typed.value })
      }}
      onBlur={commit}
      onKeyDown={(event) => {
        if (event.key === 'Enter') commit()
        if (event.key === 'Escape') {
          setText(stored === null ? '' : String(stored))
          onPoint(null)
          event.currentTarget.blur()
        }
      }}
    />
  )
}
