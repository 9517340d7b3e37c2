/** What would go wrong, or not as meant, before anything is computed; what was found fine is folded away. */
import { Text } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import type { PreflightFinding, TrainRequest } from '../../worker/protocol'
import { visibleText } from '../format'
import { NOTHING, useReply } from '../stores/answer'
import { useGpuMemory } from '../stores/preferences'
import { Loading, Panel } from '../widgets/Panel'
import { Term } from '../widgets/Term'
import classes from './train.module.css'

const SIGNS: Readonly<Record<PreflightFinding['level'], string>> = { refusal: '○', warning: '◐', fine: '●' }
const WORDS: Readonly<Record<PreflightFinding['level'], string>> = { refusal: 'cannot start', warning: 'look at this', fine: 'fine' }
/** Data sets are read and encoded for it: not at every key. */
const WAIT_MS = 600

function Findings({ findings }: { readonly findings: readonly PreflightFinding[] }) {
  return (
    <ul className={classes.findings}>
      {findings.map(({ check, level, message }) => (
        <li key={check} data-level={level}>
          <span className={classes.sign} role="img" aria-label={WORDS[level]}>
            {SIGNS[level]}
          </span>
          <span>
            <strong>{check}</strong> {visibleText(message)}
          </span>
        </li>
      ))}
    </ul>
  )
}

export function PreflightPanel({ request }: { readonly request: TrainRequest | null }) {
  const memoryBytes = useGpuMemory()
  const [text] = useDebouncedValue(request === null ? NOTHING : JSON.stringify([request, memoryBytes ?? null]), WAIT_MS)
  const answer = useReply(text, (studio) =>
    request ? studio.jobs.preflight(request, memoryBytes) : Promise.resolve({ ok: false, code: 'none', message: '' }),
  )
  const found = answer.value ?? []
  const problems = found.filter(({ level }) => level !== 'fine')
  const fine = found.filter(({ level }) => level === 'fine')
  return (
    <Panel title={<Term of="pre-flight">Pre-flight</Term>} testId="preflight">
      {request === null && <Text c="dimmed">Choose a method and a model.</Text>}
      {answer.error !== null && <Text c="var(--hone-unsolved)">{answer.error}</Text>}
      {request !== null && answer.value === null && answer.error === null && <Loading label="Checking" />}
      {problems.length > 0 && <Findings findings={problems} />}
      {found.length > 0 && problems.length === 0 && <Text>Nothing stands in the way.</Text>}
      {fine.length > 0 && (
        <details style={{ marginTop: problems.length > 0 ? 8 : 4 }}>
          <summary>{fine.length} checks are fine</summary>
          <Findings findings={fine} />
        </details>
      )}
      {found.length > 0 && (
        <Text size="xs" c="dimmed" mt={8}>
          Once the model is loaded, policy and reference must agree on a probe text (KL 0), or the run ends before step 1.
        </Text>
      )}
    </Panel>
  )
}
