/** A list of words as people type it, with commas or spaces between them; emptied, it is the default that the placeholder shows. */
import type { TextInputProps } from '@mantine/core'
import { TypedField } from './TypedField'

interface ListFieldProps extends Omit<TextInputProps, 'value' | 'onChange' | 'name' | 'error'> {
  readonly name: string
  readonly value: readonly string[]
  readonly fallback: readonly string[]
  readonly onChange: (value: readonly string[]) => void
}

const words = (text: string): readonly string[] => text.split(/[\s,]+/).filter((word) => word !== '')

export function ListField({ fallback, onChange, ...input }: ListFieldProps) {
  return (
    <TypedField<readonly string[]>
      {...input}
      placeholder={fallback.join(', ')}
      read={(text) => ({ value: text.trim() === '' ? fallback : words(text), problem: null })}
      write={(value) => value.join(', ')}
      isSame={(a, b) => a.join() === b.join()}
      onChange={onChange}
    />
  )
}
