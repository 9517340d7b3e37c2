import { Button, Group, Select, Text } from '@mantine/core'
import { useEffect, useRef } from 'react'
import type { GivenFile, GivenWorld, WorldDataRow } from '../../worker/protocol'
import { counted, formatBytes } from '../format'
import { useAddWorldData, useRemoveWorldData, useWorldData } from '../queries/worlds'
import { choices } from '../widgets/choices'
import { ErrorPanel } from '../widgets/ProblemList'
import { SchemaForm } from '../widgets/SchemaForm'
import { SimulatorFields } from './SimulatorFields'
import classes from './worlds.module.css'

interface WorldFieldsProps {
  /** What it needs, as a noun phrase; null: nothing. */
  readonly needs: string | null
  readonly settingsSchema: Readonly<Record<string, unknown>> | null
  /** Whether a model behind a server can play its tools. */
  readonly usesSimulator: boolean
  readonly value: GivenWorld
  readonly onChange: (value: GivenWorld) => void
  /** Why it could not be made from what was given; null: it was, or it has not been tried. */
  readonly problem: string | null
}

/** What the user gives an environment or a benchmark: data, settings, a simulator. Draws nothing where there is nothing to give. */
export function WorldFields({ needs, settingsSchema, usesSimulator, value, onChange, problem }: WorldFieldsProps) {
  if (needs === null && settingsSchema === null && !usesSimulator) return null
  const { simulator, ...others } = value
  return (
    <div className={classes.fields}>
      {needs !== null && <DataField needs={needs} value={value} onChange={onChange} />}
      {settingsSchema !== null && (
        <SchemaForm
          schema={settingsSchema}
          value={value.settings ?? {}}
          onChange={(settings) => {
            onChange({ ...value, settings })
          }}
        />
      )}
      {usesSimulator && (
        <SimulatorFields
          value={simulator}
          onChange={(next) => {
            onChange(next === undefined ? others : { ...others, simulator: next })
          }}
        />
      )}
      {problem !== null && <ErrorPanel title="This does not fit.">{problem}</ErrorPanel>}
    </div>
  )
}

const labelOf = ({ title, files, bytes, isStored }: WorldDataRow): string =>
  `${title} (${counted(files, 'file')}, ${formatBytes(bytes)}${isStored ? '' : ', until this tab is closed'})`

function DataField({ needs, value, onChange }: Pick<WorldFieldsProps, 'value' | 'onChange'> & { readonly needs: string }) {
  const rows = useWorldData().data ?? []
  const remove = useRemoveWorldData()
  const { data, ...others } = value
  const choose = (id: string | null): void => {
    onChange(id === null ? others : { ...others, data: id })
  }
  return (
    <>
      <Select
        label="Data"
        description={`It needs ${needs}.`}
        placeholder={rows.length === 0 ? 'Choose files below.' : 'Choose data.'}
        value={data ?? null}
        data={choices(rows.map((row) => ({ value: row.data_id, label: labelOf(row) })))}
        clearable
        onChange={choose}
        data-testid="world-data"
      />
      <Group gap={8}>
        <FilesButton isFolder={false} onAdded={choose} />
        <FilesButton isFolder onAdded={choose} />
        {data !== undefined && (
          <Button
            onClick={() => {
              remove.mutate(data)
              choose(null)
            }}
          >
            Remove these data
          </Button>
        )}
      </Group>
      <Text size="xs" c="dimmed">
        Archives of any size are read where they are; up to 64 MB are stored for the next visit. Nothing is uploaded.
      </Text>
    </>
  )
}

/** Chooses a file or an archive, or a folder. */
function FilesButton({ isFolder, onAdded }: { readonly isFolder: boolean; readonly onAdded: (id: string) => void }) {
  const picker = useRef<HTMLInputElement>(null)
  const add = useAddWorldData()
  useEffect(() => {
    // React has no name for this attribute.
    if (isFolder) picker.current?.setAttribute('webkitdirectory', '')
  }, [isFolder])
  return (
    <>
      <Button onClick={() => picker.current?.click()} loading={add.isPending}>
        {isFolder ? 'Add a folder' : 'Add a file or zip'}
      </Button>
      <input
        ref={picker}
        type="file"
        multiple={isFolder}
        className={classes.hidden}
        aria-label={isFolder ? 'Folder of data for the benchmark' : 'File of data for the benchmark'}
        data-testid={isFolder ? 'world-folder' : 'world-file'}
        tabIndex={-1}
        onChange={(event) => {
          const files = [...(event.currentTarget.files ?? [])].map(givenFile)
          event.currentTarget.value = ''
          const [first] = files
          if (!first) return
          add.mutate(
            { title: first.folder ?? first.file.name, files },
            {
              onSuccess: ({ data_id }) => {
                onAdded(data_id)
              },
            },
          )
        }}
      />
      {add.error !== null && <ErrorPanel title="These files cannot be used.">{add.error}</ErrorPanel>}
    </>
  )
}

/** The path inside the chosen folder. A worker is not told it, so it is read here. */
function givenFile(file: File): GivenFile & { readonly folder: string | null } {
  const [folder = '', ...path] = file.webkitRelativePath.split('/')
  return path.length === 0 ? { path: file.name, file, folder: null } : { path: path.join('/'), file, folder }
}
