/** A number as people type it: `1e-3`, `.5`, or nothing, which means the default that the placeholder shows. */
import type { TextInputProps } from '@mantine/core'
import { numberText, readNumber, type NumberRule, type NumberValue } from './numberText'
import { TypedField } from './TypedField'
import classes from './widgets.module.css'

interface NumberFieldProps<Value extends NumberValue> extends Omit<TextInputProps, 'value' | 'onChange' | 'name' | 'error'> {
  readonly name: string
  /** undefined: the default; null: none, where the rule allows it. */
  readonly value: Value | undefined
  /** What an empty field means. */
  readonly fallback?: Value
  readonly rule?: NumberRule
  /** Receives the value when the field is left; undefined when it was emptied. */
  readonly onChange: (value: Value | undefined) => void
}

const NO_RULE: NumberRule = {}

export function NumberField<Value extends NumberValue = number>({
  value,
  fallback,
  rule = NO_RULE,
  onChange,
  placeholder,
  ...input
}: NumberFieldProps<Value>) {
  const inEffect = (one: NumberValue): NumberValue => (one === undefined ? fallback : one)
  return (
    <TypedField<NumberValue>
      classNames={{ input: classes.numeric ?? '' }}
      inputMode="text"
      {...input}
      placeholder={placeholder ?? numberText(fallback)}
      value={value}
      read={(text) => readNumber(text, rule)}
      write={numberText}
      isSame={(a, b) => inEffect(a) === inEffect(b)}
      onChange={(next) => {
        // A rule without `isNullable` reads no null.
        onChange(next as Value | undefined)
      }}
    />
  )
}
