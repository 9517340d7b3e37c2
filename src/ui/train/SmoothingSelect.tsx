import { Group, NativeSelect } from '@mantine/core'
import { setPreferences, usePreferences } from '../stores/preferences'
import { Term } from '../widgets/Term'

const WEIGHTS = [
  { value: '0', label: 'none' },
  { value: '0.6', label: '0.6' },
  { value: '0.9', label: '0.9' },
  { value: '0.97', label: '0.97' },
]

/** How much curves are smoothed; kept between visits. */
export function SmoothingSelect() {
  const smoothing = usePreferences((state) => state.smoothing)
  return (
    <Group gap={6}>
      <Term of="smoothing">Smoothing</Term>
      <NativeSelect
        size="xs"
        aria-label="Smoothing"
        data={WEIGHTS}
        value={String(smoothing)}
        onChange={(event) => {
          setPreferences({ smoothing: Number(event.currentTarget.value) })
        }}
      />
    </Group>
  )
}
