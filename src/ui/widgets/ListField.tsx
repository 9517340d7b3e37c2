/** A list of words as people type it, with commas or spaces between them; emptied, it is the default that the placeholder shows. */
import type { TextInputProps } from '@mantine/core'
import { readWords } from './jsonText'
import { TypedField } from './TypedField'

interface ListFieldProps extends Omit<TextInputProps, 'value' | 'onChange' | 'name' | 'error'> {
  readonly name: string
  readonly value: readonly string[]
  readonly fallback: readonly string[]
  /** The words there are; absent: any. */
  readonly choices?: readonly string[]
  readonly onChange: (value: readonly string[]) => void
}

const ANY: readonly string[] = []

export function ListField({ fallback, choices = ANY, onChange, ...input }: ListFieldProps) {
  return (
    <TypedField<readonly string[]>
      {...input}
      placeholder={fallback.join(', ')}
      read={(text) => readWords(text, choices, fallback)}
      write={(value) => value.join(', ')}
      isSame={(a, b) => a.join() === b.join()}
      onChange={onChange}
    />
  )
}
