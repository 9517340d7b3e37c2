import { Anchor, Checkbox, Stack, Text } from '@mantine/core'
import { Link } from 'wouter'
import { formatCount, visibleText } from '../../format'
import { hrefs } from '../../navigation/hrefs'
import { NumberField } from '../../widgets/NumberField'
import { Panel } from '../../widgets/Panel'
import type { NewRunForm } from './useNewRun'

const ROWS = { minimum: 1, isWhole: true }

/** What the run learns from: rollouts of its own, or data sets. */
export function DataPanel({ form: { url, setUrl, datasets, chosen, hasData } }: { readonly form: NewRunForm }) {
  return (
    <Panel title="3 · Data">
      <Stack gap={6} role="group" aria-label="Data sets">
        <Checkbox
          label="Online: roll out in the tool world"
          description="The model practises while it trains; nothing needs to be imported."
          checked={chosen.length === 0}
          onChange={() => {
            setUrl({ data: '' })
          }}
        />
        {datasets?.map((row) => (
          <Checkbox
            key={row.dataset_id}
            label={visibleText(row.name)}
            description={`${formatCount(row.trajectories)} trajectories, ${formatCount(row.steps)} steps`}
            checked={chosen.includes(row.dataset_id)}
            onChange={(event) => {
              const next = event.currentTarget.checked ? [...chosen, row.dataset_id] : chosen.filter((id) => id !== row.dataset_id)
              setUrl({ data: next.join(',') })
            }}
          />
        ))}
        <Text size="xs">
          <Anchor component={Link} href={hrefs.data()} size="xs">
            Import a file
          </Anchor>
        </Text>
        {datasets && !hasData && (
          <Text c="var(--hone-unsolved)" role="alert">
            A data set that was chosen is not stored here any more.{' '}
            <Anchor
              component="button"
              type="button"
              onClick={() => {
                setUrl({ data: chosen.filter((id) => datasets.some((row) => row.dataset_id === id)).join(',') })
              }}
            >
              Leave it out
            </Anchor>
          </Text>
        )}
        {chosen.length > 0 && (
          <NumberField
            name="Rows"
            description="Train on the first rows only. Empty: all of them."
            placeholder="all"
            w={180}
            rule={ROWS}
            value={url.rows ?? undefined}
            onChange={(rows) => {
              setUrl({ rows: rows ?? null })
            }}
          />
        )}
      </Stack>
    </Panel>
  )
}
