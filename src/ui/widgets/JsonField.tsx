/** A setting of several parts as JSON: it is checked when the field is left, and emptied it is the default that the placeholder shows. */
import type { TextInputProps } from '@mantine/core'
import { jsonReader } from './jsonText'
import { TypedField } from './TypedField'
import classes from './widgets.module.css'

interface JsonFieldProps extends Omit<TextInputProps, 'value' | 'onChange' | 'name' | 'error'> {
  readonly name: string
  readonly value: unknown
  readonly fallback: unknown
  /** JSON Schema of the value. */
  readonly shape: Readonly<Record<string, unknown>>
  readonly onChange: (value: unknown) => void
}

export function JsonField({ fallback, shape, onChange, ...input }: JsonFieldProps) {
  return (
    <TypedField<unknown>
      classNames={{ input: classes.numeric ?? '' }}
      {...input}
      placeholder={JSON.stringify(fallback)}
      read={jsonReader(shape, fallback)}
      write={(value) => JSON.stringify(value)}
      isSame={(a, b) => JSON.stringify(a) === JSON.stringify(b)}
      onChange={onChange}
    />
  )
}
