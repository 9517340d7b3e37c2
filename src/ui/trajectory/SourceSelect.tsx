import { Select } from '@mantine/core'
import { choices, type Choice } from '../widgets/choices'
import type { Source } from './useSources'

export function SourceSelect({
  sources,
  chosen,
  onChange,
}: {
  readonly sources: readonly Source[]
  readonly chosen: Source | null
  readonly onChange: (patch: { dataset: string; run: string }) => void
}) {
  const taken = new Set<string>()
  const group = (kind: Source['kind']): Choice[] =>
    choices(
      sources.filter((one) => one.kind === kind).map((one) => ({ value: one.key, label: one.title })),
      taken,
    )
  const data = [
    { group: 'Files', items: group('dataset') },
    { group: 'Runs', items: group('run') },
  ].filter((one) => one.items.length > 0)
  return (
    <Select
      aria-label="Source of trajectories"
      data={data}
      value={chosen?.key ?? null}
      placeholder="Choose a source"
      w={{ base: '100%', xs: 280 }}
      onChange={(key) => {
        const source = sources.find((one) => one.key === key)
        if (source) onChange({ dataset: source.kind === 'dataset' ? source.id : '', run: source.kind === 'run' ? source.id : '' })
      }}
    />
  )
}
