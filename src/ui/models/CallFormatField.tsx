/** Chooses how a model writes its calls; left alone, as its chat template teaches it. */
import { Select } from '@mantine/core'
import { useOpenedModel } from '../queries/models'
import { useDescription } from '../stores/studio'
import { Term } from '../widgets/Term'

interface CallFormatFieldProps {
  readonly model: string
  /** null: the format that fits best. */
  readonly value: string | null
  readonly onChange: (value: string | null) => void
}

const FITTING = ''

export function CallFormatField({ model, value, onChange }: CallFormatFieldProps) {
  const { callFormats } = useDescription()
  const opened = useOpenedModel(model).data
  const fitting = opened?.callFormat ?? null
  const titleOf = (name: string): string => callFormats.find((one) => one.name === name)?.title ?? name
  return (
    <Select
      label={<Term of="call format">Call format</Term>}
      allowDeselect={false}
      value={value ?? FITTING}
      data={[
        { value: FITTING, label: fitting === null ? 'as its chat template says' : `as its chat template says: ${titleOf(fitting)}` },
        ...callFormats.map(({ name, title }) => ({ value: name, label: title })),
      ]}
      description={
        value === null
          ? (opened?.how ?? 'How the model writes its calls.')
          : `Prompts teach the format ${titleOf(value)}, and calls are read in it, whatever the model’s chat template says.`
      }
      onChange={(chosen) => {
        onChange(chosen === FITTING ? null : chosen)
      }}
    />
  )
}
