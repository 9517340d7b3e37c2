import { JsonInput, Select, TextInput } from '@mantine/core'
import { choices } from '../widgets/choices'
import { choiceText, type ToolArgument } from './toolArguments'

interface ArgumentFieldProps {
  readonly argument: ToolArgument
  /** As it was typed or chosen; empty: the call is made without it. */
  readonly text: string
  readonly problem: string | undefined
  readonly onChange: (text: string) => void
}

/** One argument of a call, by its type. A call without a needed one is worth trying: the tool's own error is what a model would see. */
export function ArgumentField({ argument, text, problem, onChange }: ArgumentFieldProps) {
  const { name, kind, type, required } = argument
  const common = {
    label: name,
    description: required ? `${type}, needed` : type,
    error: problem,
    'aria-required': required,
    'data-testid': 'tool-argument',
  }
  if (kind === 'choice' || kind === 'boolean')
    return (
      <Select
        {...common}
        clearable
        placeholder="left out"
        value={text === '' ? null : text}
        data={choices(
          (kind === 'boolean' ? ['true', 'false'] : argument.choices.map(choiceText)).map((one) => ({ value: one, label: one })),
        )}
        onChange={(value) => {
          onChange(value ?? '')
        }}
      />
    )
  if (kind === 'json')
    return (
      <JsonInput
        {...common}
        description={`${common.description}, written as JSON`}
        value={text}
        autosize
        minRows={1}
        maxRows={8}
        onChange={onChange}
      />
    )
  return (
    <TextInput
      {...common}
      {...(kind === 'text' ? {} : { inputMode: 'decimal' as const })}
      value={text}
      autoComplete="off"
      onChange={(event) => {
        onChange(event.currentTarget.value)
      }}
    />
  )
}
