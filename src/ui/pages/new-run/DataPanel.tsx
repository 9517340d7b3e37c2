import { Anchor, Checkbox, Stack, Text } from '@mantine/core'
import { Link } from 'wouter'
import { counted, visibleText } from '../../format'
import { hrefs } from '../../navigation/hrefs'
import { useDataNames } from '../../queries/datasets'
import { NumberField } from '../../widgets/NumberField'
import { Panel } from '../../widgets/Panel'
import { PracticeFields } from './PracticeFields'
import type { NewRunForm } from './useNewRun'

const ROWS = { minimum: 1, isWhole: true }

/** What the run learns from: rollouts of its own, data sets, or what an earlier run practised. */
export function DataPanel({ form }: { readonly form: NewRunForm }) {
  const { url, setUrl, sources, algorithm, chosen, hasData } = form
  const canRead = algorithm?.learnsFrom.includes('files') ?? true
  const canPractise = algorithm?.learnsFrom.includes('rollouts') ?? true
  const names = useDataNames()
  return (
    <Panel title="3 · Data">
      <Stack gap={6} role="group" aria-label="Data sets">
        <Checkbox
          label="Online: roll out in the tool world"
          description="The model practises while it trains; nothing needs to be imported."
          checked={chosen.length === 0}
          disabled={!canPractise && chosen.length > 0}
          onChange={() => {
            setUrl({ data: '' })
          }}
        />
        {chosen.length === 0 && canPractise && <PracticeFields form={form} />}
        {sources?.map((row) => (
          <Checkbox
            key={row.id}
            label={visibleText(names.get(row.id) ?? row.name)}
            description={`${counted(row.trajectories, 'trajectory', 'trajectories')}, ${counted(row.steps, 'step')}`}
            checked={chosen.includes(row.id)}
            disabled={!canRead && !chosen.includes(row.id)}
            data-source={row.id}
            onChange={(event) => {
              const next = event.currentTarget.checked ? [...chosen, row.id] : chosen.filter((id) => id !== row.id)
              setUrl({ data: next.join(',') })
            }}
          />
        ))}
        {algorithm && <Unfit title={algorithm.title} canRead={canRead} canPractise={canPractise} hasChosen={chosen.length > 0} />}
        <Text size="xs">
          <Anchor component={Link} href={hrefs.data()} size="xs">
            Import a file
          </Anchor>
        </Text>
        {sources && !hasData && (
          <Text c="var(--hone-unsolved)" role="alert">
            Data that was chosen is not stored here any more.{' '}
            <Anchor
              component="button"
              type="button"
              onClick={() => {
                setUrl({ data: chosen.filter((id) => sources.some((row) => row.id === id)).join(',') })
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

interface UnfitProps {
  readonly title: string
  readonly canRead: boolean
  readonly canPractise: boolean
  readonly hasChosen: boolean
}

/** A sentence about what the method cannot learn from, and what to do about it. */
function Unfit({ title, canRead, canPractise, hasChosen }: UnfitProps) {
  if (canRead && canPractise) return null
  const blocks = canRead ? !hasChosen : hasChosen
  return (
    <Text size="xs" {...(blocks ? { c: 'var(--hone-unsolved)', role: 'alert' } : { c: 'dimmed' })} data-testid="data-fit">
      {canRead
        ? `${title} learns from trajectories one has and does not practise by itself: choose data above.`
        : `${title} compares fresh attempts at the same question: it practises online, and does not read trajectories one has.`}
    </Text>
  )
}
