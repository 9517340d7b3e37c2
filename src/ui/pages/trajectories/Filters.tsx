import { Select, TextInput } from '@mantine/core'
import { useMemo, type Ref } from 'react'
import type { Trajectory } from '../../../records/trajectory'
import { nameText } from '../../format'
import lists from '../../trajectory/lists.module.css'
import { ANY_TOOL, facetOfTool, toolNames } from '../../trajectory/trajectoryFilter'
import { choices, CHOICES_SHOWN } from '../../widgets/choices'
import type { TrajectoriesUrl } from './trajectoriesUrl'

interface FiltersProps {
  readonly url: TrajectoriesUrl
  /** Before filtering: their tools can be chosen. */
  readonly trajectories: readonly Trajectory[]
  readonly onChange: (patch: Partial<TrajectoriesUrl>) => void
  readonly searchRef: Ref<HTMLInputElement>
}

/** Which trajectories are listed, and in what order. */
export function Filters({ url, trajectories, onChange, searchRef }: FiltersProps) {
  const tools = useMemo(() => toolNames(trajectories), [trajectories])
  return (
    <div className={lists.filters}>
      <TextInput
        ref={searchRef}
        aria-label="Search calls and observations"
        placeholder="Search calls, observations"
        value={url.q}
        onChange={(event) => {
          onChange({ q: event.currentTarget.value })
        }}
      />
      <Select
        aria-label="Status"
        value={url.status}
        data={[
          { value: '', label: 'Any status' },
          { value: 'solved', label: 'Solved' },
          { value: 'unsure', label: 'Unsure' },
          { value: 'unsolved', label: 'Unsolved' },
          { value: 'none', label: 'Not judged' },
        ]}
        onChange={(value) => {
          onChange({ status: value ?? '' })
        }}
      />
      <Select
        aria-label="Steps"
        value={url.outcome}
        data={[
          { value: '', label: 'Any steps' },
          { value: 'failed', label: 'A call failed' },
          { value: 'unreadable', label: 'Unreadable call' },
          { value: 'clean', label: 'Nothing failed' },
        ]}
        onChange={(value) => {
          onChange({ outcome: value ?? '' })
        }}
      />
      <Select
        aria-label="Tool"
        searchable
        value={url.tool}
        limit={CHOICES_SHOWN}
        data={choices([
          { value: ANY_TOOL, label: 'Any tool' },
          ...tools.map(({ name, count }) => ({ value: facetOfTool(name), label: `${nameText(name) || '(no name)'} (${count})` })),
        ])}
        onChange={(value) => {
          onChange({ tool: value ?? '' })
        }}
      />
      <Select
        aria-label="Order"
        value={url.order}
        data={[
          { value: 'file', label: 'In file order' },
          { value: 'steps', label: 'Longest first' },
          { value: 'status', label: 'Unsolved first' },
        ]}
        onChange={(value) => {
          onChange({ order: value ?? 'file' })
        }}
      />
    </div>
  )
}
