/** Fits, tight or exceeds: the plan's exact bytes against a budget, the parts behind, and the knob that helps most. */
import { Table, Text } from '@mantine/core'
import { formatBytes, formatSeconds, visibleText } from '../format'
import { useMemoryEstimate, useTimeEstimate } from '../queries/training'
import { setPreferences, usePreferences } from '../stores/preferences'
import { NumberField } from '../widgets/NumberField'
import { Loading, Panel } from '../widgets/Panel'
import { Term } from '../widgets/Term'
import type { MemoryEstimate, TrainRequest } from '../../worker/protocol'
import classes from './train.module.css'

const VERDICTS: Readonly<Record<MemoryEstimate['verdict'], { readonly sign: string; readonly word: string }>> = {
  fits: { sign: '●', word: 'Fits' },
  tight: { sign: '◐', word: 'Tight' },
  exceeds: { sign: '○', word: 'Exceeds' },
}

const MEMORY_GB = { minimum: 0.25, maximum: 1024 }

/** How long it will take, where earlier runs say. */
function TimeLine({ request }: { readonly request: TrainRequest | null }) {
  const { data, error } = useTimeEstimate(request)
  if (error !== null || !data) return null
  return (
    <Text mt={4} data-testid="time-estimate">
      {data.seconds !== null && <strong>{formatSeconds(data.seconds)}. </strong>}
      {data.basis}
    </Text>
  )
}

export function EstimatePanel({ request }: { readonly request: TrainRequest | null }) {
  const memoryGb = usePreferences((state) => state.gpuMemoryGb)
  const { data: estimate, error } = useMemoryEstimate(request)
  return (
    <Panel title={<Term of="memory estimate">Memory, estimate</Term>} testId="estimate">
      {error !== null && <Text c="var(--hone-unsolved)">{error}</Text>}
      {request !== null && !estimate && error === null && <Loading label="Planning" />}
      {request === null && <Text c="dimmed">Choose a method and a model.</Text>}
      {estimate && (
        <>
          <div className={classes.verdict} data-verdict={estimate.verdict}>
            <span aria-hidden="true">{VERDICTS[estimate.verdict].sign}</span>
            {VERDICTS[estimate.verdict].word} · {formatBytes(estimate.bytes)}
          </div>
          <TimeLine request={request} />
          {estimate.advice !== '' && <Text mt={4}>{visibleText(estimate.advice)}</Text>}
          <details style={{ marginTop: 8 }}>
            <summary>The arithmetic</summary>
            <Table withRowBorders={false} verticalSpacing={1} aria-label="Memory by part">
              <Table.Tbody>
                {estimate.parts.map((part) => (
                  <Table.Tr key={part.name}>
                    <Table.Td>{visibleText(part.name)}</Table.Td>
                    <Table.Td ta="right" style={{ whiteSpace: 'nowrap' }}>
                      {formatBytes(part.bytes)}
                    </Table.Td>
                  </Table.Tr>
                ))}
                <Table.Tr>
                  <Table.Td>
                    <Term of="largest binding">Largest binding</Term>
                  </Table.Td>
                  <Table.Td ta="right" style={{ whiteSpace: 'nowrap' }}>
                    {formatBytes(estimate.largestBinding)}
                  </Table.Td>
                </Table.Tr>
              </Table.Tbody>
            </Table>
          </details>
          {estimate.notes.length > 0 && (
            <ul style={{ margin: '8px 0 0', paddingLeft: 18 }}>
              {estimate.notes.map((note) => (
                <li key={note}>{visibleText(note)}</li>
              ))}
            </ul>
          )}
          <NumberField
            name="GPU memory, GB"
            placeholder="unknown"
            mt={8}
            maw={160}
            rule={MEMORY_GB}
            value={memoryGb ?? undefined}
            onChange={(gb) => {
              setPreferences({ gpuMemoryGb: gb ?? null })
            }}
          />
        </>
      )}
    </Panel>
  )
}
