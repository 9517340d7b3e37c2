/** A field that is text until it is left: what was typed stays as it was typed, and is read on blur and on Enter. */
import { TextInput, type TextInputProps } from '@mantine/core'
import { useLayoutEffect, useId, useState } from 'react'
import { useReportProblem } from './fieldProblems'

export type Reading<T> = { readonly value: T; readonly problem: null } | { readonly problem: string }

interface TypedFieldProps<T> extends Omit<TextInputProps, 'value' | 'onChange' | 'onBlur' | 'onKeyDown' | 'error' | 'name'> {
  /** The name of the field in the sentence about its problem; also its label, unless another is given. */
  readonly name: string
  readonly value: T
  readonly read: (text: string) => Reading<T>
  readonly write: (value: T) => string
  /** Whether two values mean the same, so that the text of either may stand. */
  readonly isSame: (a: T, b: T) => boolean
  /** Receives the value when the field is left with something that can be read and means something else. */
  readonly onChange: (value: T) => void
}

/** What was typed, and the value it stands for or beside. */
interface Typed<T> {
  readonly text: string
  readonly over: T
  readonly isLeft: boolean
}

export function TypedField<T>({ name, value, read, write, isSame, onChange, ...input }: TypedFieldProps<T>) {
  const [typed, setTyped] = useState<Typed<T> | null>(null)
  // A value that came from elsewhere, such as a recipe, replaces what was typed.
  const isCurrent = typed !== null && isSame(typed.over, value)
  const text = isCurrent ? typed.text : write(value)
  const isBeingTyped = isCurrent && !typed.isLeft
  const problem = isBeingTyped ? null : read(text).problem
  const id = useId()
  const report = useReportProblem()
  // Before anything else is handled: whoever leaves the field by pressing Start must find the button knowing of the problem.
  useLayoutEffect(() => {
    report(id, problem === null ? null : { name, problem })
    return () => {
      report(id, null)
    }
  }, [report, id, name, problem])
  const leave = (): void => {
    if (!isBeingTyped) return
    const reading = read(typed.text)
    setTyped({ text: typed.text, over: reading.problem === null ? reading.value : value, isLeft: true })
    if (reading.problem === null && !isSame(reading.value, value)) onChange(reading.value)
  }
  return (
    <TextInput
      label={name}
      autoComplete="off"
      spellCheck={false}
      {...input}
      value={text}
      error={problem}
      onChange={(event) => {
        setTyped({ text: event.currentTarget.value, over: value, isLeft: false })
      }}
      onBlur={leave}
      onKeyDown={(event) => {
        if (event.key === 'Enter') leave()
      }}
    />
  )
}
