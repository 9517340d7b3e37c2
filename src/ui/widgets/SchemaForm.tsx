/** A form drawn from JSON Schema: essential fields first, the rest folded, each with its meaning, default and a mark when changed. */
import { counted } from '../format'
import { Button, Group, Select, SimpleGrid, Switch, Text, TextInput, Tooltip } from '@mantine/core'
import { useMemo } from 'react'
import { JsonField } from './JsonField'
import { ListField } from './ListField'
import { NumberField } from './NumberField'
import type { NumberValue } from './numberText'
import { choiceValue, fieldGroups, fieldProblem, fieldsFromSchema, isChanged } from './schemaFields'
import type { SchemaField } from './schemaFields'
import classes from './widgets.module.css'

type Config = Readonly<Record<string, unknown>>
/** By the width of the form, which may stand in a drawer. */
const COLUMNS = { base: 1, '420px': 2, '600px': 3 }

interface SchemaFormProps {
  readonly schema: Readonly<Record<string, unknown>>
  /** Only what differs from the defaults needs to be here. */
  readonly value: Config
  readonly onChange: (value: Config) => void
}

function plain(value: unknown): string {
  if (value === null || value === undefined) return 'none'
  return typeof value === 'string' ? value : JSON.stringify(value)
}

/** Some meanings are a sentence, some a phrase: what follows begins a new sentence. */
const sentence = (help: string): string => (help === '' || /[.!?]$/.test(help) ? help : `${help}.`)

/** A number, `null` where the setting may have none, or undefined. */
const numberOrNone = (value: unknown): NumberValue => (typeof value === 'number' ? value : value === null ? null : undefined)
const strings = (value: unknown): readonly string[] => (Array.isArray(value) ? value.map(String) : [])

function FieldLabel({ field, changed }: { readonly field: SchemaField; readonly changed: boolean }) {
  return (
    <span>
      <span className={classes.numeric}>{field.name}</span>
      {changed && (
        <Tooltip label={`Changed. The default is ${plain(field.fallback)}.`}>
          <span className={classes.changed} role="note" aria-label={`changed from default ${plain(field.fallback)}`}>
            {' '}
            ◆
          </span>
        </Tooltip>
      )}
    </span>
  )
}

function Field({
  field,
  config,
  set,
}: {
  readonly field: SchemaField
  readonly config: Config
  readonly set: (name: string, value: unknown) => void
}) {
  const changed = isChanged(field, config)
  const value = field.name in config ? config[field.name] : field.fallback
  const label = <FieldLabel field={field} changed={changed} />
  const notes = [sentence(field.help), field.rule.bounds === '' ? '' : `Range ${field.rule.bounds}.`, `Default ${plain(field.fallback)}.`]
    .filter((note) => note !== '')
    .join(' ')
  const common = {
    label,
    description: notes,
    className: classes.field,
    inputWrapperOrder: ['label', 'input', 'description', 'error'] satisfies ('label' | 'input' | 'description' | 'error')[],
  }
  switch (field.kind) {
    case 'number':
    case 'integer':
      return (
        <NumberField<NumberValue>
          {...common}
          name={field.name}
          value={field.name in config ? numberOrNone(value) : undefined}
          fallback={numberOrNone(field.fallback)}
          rule={field.rule}
          onChange={(next) => {
            set(field.name, next === undefined ? field.fallback : next)
          }}
        />
      )
    case 'boolean':
      return (
        <Switch
          className={classes.field}
          label={label}
          description={notes}
          checked={value === true}
          onChange={(event) => {
            set(field.name, event.currentTarget.checked)
          }}
        />
      )
    case 'choice':
      return (
        <Select
          {...common}
          error={fieldProblem(field, value)}
          data={[...field.choices]}
          value={typeof value === 'string' || typeof value === 'number' ? String(value) : null}
          onChange={(next) => {
            set(field.name, choiceValue(field, next))
          }}
        />
      )
    case 'text':
      return (
        <TextInput
          {...common}
          error={fieldProblem(field, value)}
          value={typeof value === 'string' ? value : ''}
          onChange={(event) => {
            const next = event.currentTarget.value
            set(field.name, next === '' && field.nullable ? null : next)
          }}
        />
      )
    case 'list':
      return (
        <ListField
          {...common}
          name={field.name}
          value={strings(value)}
          fallback={strings(field.fallback)}
          choices={field.choices}
          onChange={(next) => {
            set(field.name, next)
          }}
        />
      )
    case 'json':
      return (
        <JsonField
          {...common}
          description={`${notes} It is written as JSON.`}
          name={field.name}
          value={value}
          fallback={field.fallback}
          shape={field.shape}
          onChange={(next) => {
            set(field.name, next)
          }}
        />
      )
    default:
      return field.kind satisfies never
  }
}

export function SchemaForm({ schema, value, onChange }: SchemaFormProps) {
  const fields = useMemo(() => fieldsFromSchema(schema), [schema])
  const marked = fields.filter((field) => field.essential)
  const essential = (marked.length > 0 ? marked : fields).slice(0, 6)
  const rest = fields.filter((field) => !essential.includes(field))
  const changed = fields.filter((field) => isChanged(field, value))
  const changedBelow = rest.filter((field) => isChanged(field, value)).length
  const set = (name: string, next: unknown): void => {
    const fallback = fields.find((field) => field.name === name)?.fallback
    const without = Object.fromEntries(Object.entries(value).filter(([key]) => key !== name))
    onChange(JSON.stringify(next) === JSON.stringify(fallback) ? without : { ...without, [name]: next })
  }
  return (
    <div>
      <SimpleGrid type="container" cols={COLUMNS} spacing={16} verticalSpacing={4}>
        {essential.map((field) => (
          <Field key={field.name} field={field} config={value} set={set} />
        ))}
      </SimpleGrid>
      {rest.length > 0 && (
        <details className={classes.fold}>
          <summary>
            {counted(rest.length, 'more setting')}
            {changedBelow > 0 ? `, ${changedBelow} changed` : ''}
          </summary>
          {fieldGroups(rest).map((group) => (
            <fieldset key={group.title} className={classes.settingGroup}>
              {group.title !== '' && <legend>{group.title}</legend>}
              <SimpleGrid type="container" cols={COLUMNS} spacing={16} verticalSpacing={4}>
                {group.fields.map((field) => (
                  <Field key={field.name} field={field} config={value} set={set} />
                ))}
              </SimpleGrid>
            </fieldset>
          ))}
        </details>
      )}
      {changed.length > 0 && (
        <Group gap={8} mt={8}>
          <Text size="xs" c="dimmed">
            ◆ Changed from default: {changed.map((field) => field.name).join(', ')}
          </Text>
          <Button
            size="compact-xs"
            onClick={() => {
              onChange({})
            }}
          >
            Back to defaults
          </Button>
        </Group>
      )}
    </div>
  )
}
