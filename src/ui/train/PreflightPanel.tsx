/** What would go wrong, or not as meant, before anything is computed; what was found fine is folded away. */
import { Text } from '@mantine/core'
import type { PreflightFinding, TrainRequest } from '../../worker/protocol'
import { counted, visibleText } from '../format'
import { usePreflight } from '../queries/training'
import { Loading, Panel } from '../widgets/Panel'
import { Term } from '../widgets/Term'
import classes from './train.module.css'

const SIGNS: Readonly<Record<PreflightFinding['level'], string>> = { refusal: '○', warning: '◐', fine: '●' }
const WORDS: Readonly<Record<PreflightFinding['level'], string>> = { refusal: 'cannot start', warning: 'warning', fine: 'fine' }

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
  const { data, error } = usePreflight(request)
  const found = data ?? []
  const problems = found.filter(({ level }) => level !== 'fine')
  const fine = found.filter(({ level }) => level === 'fine')
  return (
    <Panel title={<Term of="pre-flight">Pre-flight</Term>} testId="preflight">
      {request === null && <Text c="dimmed">Choose a method and a model.</Text>}
      {error !== null && <Text c="var(--hone-unsolved)">{error}</Text>}
      {request !== null && data === undefined && error === null && <Loading label="Checking" />}
      {problems.length > 0 && <Findings findings={problems} />}
      {found.length > 0 && problems.length === 0 && <Text>The checks found no problem.</Text>}
      {fine.length > 0 && (
        <details style={{ marginTop: problems.length > 0 ? 8 : 4 }}>
          <summary>
            {counted(fine.length, 'check')} {fine.length === 1 ? 'is' : 'are'} fine
          </summary>
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
