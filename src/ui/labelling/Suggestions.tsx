import { Button, Table, Text } from '@mantine/core'
import { formatNumber, formatShare } from '../format'
import { FoldedText, VisibleText } from '../trajectory/VisibleText'
import { Panel } from '../widgets/Panel'
import { Explained } from '../widgets/Term'
import classes from './labelling.module.css'
import type { Agreement, Suggestion } from './stepSuggestions'

const SOURCE_WORDS = { human: 'person', judge: 'judge', rules: 'rule', imported: 'file', world: 'tool world' } as const

function judgementWords({ judgement }: Suggestion): string {
  const parts = [
    judgement.success === null ? null : `success ${formatNumber(judgement.success, 2)}`,
    judgement.contribution === null ? null : `contribution ${formatNumber(judgement.contribution, 2)}`,
    judgement.status === null ? null : `status ${formatNumber(judgement.status, 2)}`,
  ].filter((part) => part !== null)
  return parts.join(' · ')
}

/** What rules, judges and files say, beside the person's own judgement. Enter takes the first. */
export function Suggestions({
  suggestions,
  onAccept,
}: {
  readonly suggestions: readonly Suggestion[]
  readonly onAccept: (suggestion: Suggestion) => void
}) {
  return (
    <Panel title="Suggestions" order={3}>
      {suggestions.length === 0 ? (
        <Text c="dimmed" size="xs">
          No rule, judge or file has an opinion on this step.
        </Text>
      ) : (
        <div style={{ display: 'grid', gridTemplateColumns: 'minmax(0, 1fr)', gap: 6 }}>
          {suggestions.map((suggestion, index) => (
            <div key={`${suggestion.source} ${suggestion.annotator} ${index}`} className={classes.suggestion} data-testid="suggestion">
              <div className={classes.suggestionHead}>
                <span style={{ minWidth: 0, overflowWrap: 'anywhere' }}>
                  <Text span size="xs" c="dimmed">
                    {SOURCE_WORDS[suggestion.source]}
                  </Text>{' '}
                  {suggestion.source !== 'world' && <VisibleText text={suggestion.annotator.replace(/^(imported|rules):/, '')} />}
                </span>
                <span className={classes.accept}>
                  <span className={classes.value}>{suggestion.reward === null ? '–' : suggestion.reward.toFixed(2)}</span>
                  <Button
                    size="compact-xs"
                    aria-label={`Accept ${suggestion.annotator}`}
                    aria-keyshortcuts={index === 0 ? 'Enter' : undefined}
                    onClick={() => {
                      onAccept(suggestion)
                    }}
                  >
                    Accept{index === 0 ? ' ↵' : ''}
                  </Button>
                </span>
              </div>
              {judgementWords(suggestion) !== '' && (
                <span className={classes.value}>
                  {judgementWords(suggestion)}
                  {suggestion.repeats > 1 && ` · ${suggestion.repeats} repeats, spread ${suggestion.spread.toFixed(2)}`}
                </span>
              )}
              {suggestion.why.length > 0 && <FoldedText text={suggestion.why.join('\n')} lines={3} prose />}
            </div>
          ))}
        </div>
      )}
    </Panel>
  )
}

/** The person against every other annotator, so far. */
export function AgreementPanel({ rows }: { readonly rows: readonly Agreement[] }) {
  if (rows.length === 0) return null
  return (
    <Panel title="Agreement with you so far" order={3} flush>
      <Table fz="xs">
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Annotator</Table.Th>
            <Table.Th ta="right">n</Table.Th>
            <Table.Th ta="right">
              <Explained text="Share of steps whose rewards lie within 0.1 of each other.">within 0.1</Explained>
            </Table.Th>
            <Table.Th ta="right">
              <Explained text="Cohen’s κ of reward ≥ ½ against < ½: agreement beyond chance. A dash where one side never varies.">
                κ
              </Explained>
            </Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {rows.map((row) => (
            <Table.Tr key={row.annotator}>
              <Table.Td style={{ overflowWrap: 'anywhere' }}>
                <VisibleText text={row.annotator} />
              </Table.Td>
              <Table.Td ta="right" className={classes.value}>
                {row.n}
              </Table.Td>
              <Table.Td ta="right" className={classes.value}>
                {formatShare(row.close)}
              </Table.Td>
              <Table.Td ta="right" className={classes.value}>
                {row.kappa === null ? '–' : row.kappa.toFixed(2)}
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Panel>
  )
}
