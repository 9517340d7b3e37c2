/** The model behind a server that plays a tool server: it writes the replies that nobody recorded. */
import { Switch } from '@mantine/core'
import { useMemo, useState } from 'react'
import type { ServerModel } from '../../worker/protocol'
import { useTestServer } from '../queries/models'
import { ServerFields } from '../servers/ServerFields'
import { rememberedModel, testOf, useServer } from '../servers/useServer'

interface SimulatorFieldsProps {
  readonly value: ServerModel | undefined
  readonly onChange: (simulator: ServerModel | undefined) => void
}

export function SimulatorFields({ value, onChange }: SimulatorFieldsProps) {
  const [isUsed, setUsed] = useState(value !== undefined)
  return (
    <>
      <Switch
        label="A model plays the tool server where no reply was recorded"
        description="Without one, such a call gets an error in place of a reply."
        checked={isUsed}
        onChange={(event) => {
          const { checked } = event.currentTarget
          setUsed(checked)
          onChange(checked ? (rememberedModel('simulator') ?? undefined) : undefined)
        }}
        data-testid="uses-simulator"
      />
      {isUsed && <SimulatorServer onChange={onChange} />}
    </>
  )
}

function SimulatorServer({ onChange }: Pick<SimulatorFieldsProps, 'onChange'>) {
  const command = useTestServer()
  const server = useServer('simulator', (model) => {
    onChange(model ?? undefined)
  })
  const { model } = server
  const asked = useMemo(() => (model === null ? null : { server: model, asksForCall: false }), [model])
  return <ServerFields server={server} test={testOf(command, asked)} />
}
