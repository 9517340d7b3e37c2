import { Button, Text } from '@mantine/core'
import { useMemo } from 'react'
import { formatCount, visibleText } from '../../format'
import { fieldsFromSchema, type SchemaField } from '../../widgets/schemaFields'
import type { NewRunForm } from './useNewRun'

type Config = Readonly<Record<string, unknown>>

/** Below so many parameters the defaults, which are those of papers on models of billions, learn next to nothing. */
const SMALL_MODEL = 1e8
/** A data set has as many rows as it has: its batches are left alone. */
const OF_BATCHES = 'Length and batches'

interface SmallModelNoteProps {
  readonly form: NewRunForm
  readonly config: Config
  readonly onUse: (settings: Config) => void
}

/** The sentence that says which defaults do not suit a small model, and what does. */
export function SmallModelNote({ form: { model, algorithm, chosen }, config, onUse }: SmallModelNoteProps) {
  const fields = useMemo(() => fieldsFromSchema(algorithm?.configSchema ?? {}), [algorithm])
  if (model === null || model.parameters >= SMALL_MODEL) return null
  const isMeant = ({ name, group, small }: SchemaField): boolean =>
    small !== undefined && !(name in config) && (chosen.length === 0 || group !== OF_BATCHES)
  const meant = fields.filter(isMeant)
  if (meant.length === 0) return null
  return (
    <div data-testid="small-model" style={{ margin: '8px 0' }}>
      <Text>
        The defaults suit models of some billion parameters. {visibleText(model.title)} has {formatCount(model.parameters)}, and learns more
        with {meant.map(({ name, small }) => `${name} ${String(small)}`).join(', ')}.
      </Text>
      <Button
        size="compact-xs"
        mt={4}
        onClick={() => {
          onUse(Object.fromEntries(meant.map(({ name, small }) => [name, small])))
        }}
      >
        Use the settings for a small model
      </Button>
    </div>
  )
}
