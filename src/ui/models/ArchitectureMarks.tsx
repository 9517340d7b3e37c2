/** What was shown of an architecture, and no more: exact against transformers, run with real weights. One table holds the claims. */
import type { ArchitectureClaim, ModelRow } from '../../worker/protocol'
import { visibleText } from '../format'
import { Panel } from '../widgets/Panel'
import { Explained } from '../widgets/Term'
import classes from './models.module.css'

const EXACT = 'Logits, log-probs, gradients and optimizer steps of small random models equal those of transformers and peft.'
const RAN = 'Checkpoints with trained weights that were trained or sampled here.'
const NO_SCALING = 'no rotary scaling'
const ropeText = (rope: string): string => (rope === 'plain' ? NO_SCALING : `${rope} scaling`)

function Mark({ shown, children }: { readonly shown: boolean; readonly children: string }) {
  return (
    <span className={shown ? classes.shown : classes.notShown}>
      <span aria-hidden="true">{shown ? '● ' : '○ '}</span>
      {children}
    </span>
  )
}

/** Of one model: its architecture's claims, as far as they hold for its rotary scaling. */
export function ModelMarks({ model, claims }: { readonly model: ModelRow; readonly claims: readonly ArchitectureClaim[] }) {
  const claim = claims.find(({ architecture }) => architecture === model.architecture)
  if (!claim) return null
  const isExact = (claim.exact[model.rope]?.length ?? 0) > 0
  return (
    <div className={classes.marks} data-testid="model-marks">
      <Mark shown={isExact}>
        {isExact
          ? `${claim.title}: exact against transformers`
          : `${claim.title} with ${visibleText(ropeText(model.rope))}: not compared with transformers`}
      </Mark>
      <Mark shown={claim.ran.length > 0}>
        {claim.ran.length > 0 ? `run with real weights: ${claim.ran.join(', ')}` : 'not run with real weights'}
      </Mark>
    </div>
  )
}

/** All architectures. */
export function ArchitectureClaims({ claims }: { readonly claims: readonly ArchitectureClaim[] }) {
  if (claims.length === 0) return null
  return (
    <Panel title="Architectures" flush testId="architecture-claims">
      <table className={classes.claims}>
        <thead>
          <tr>
            <th scope="col">Family</th>
            <th scope="col">
              <Explained text={EXACT}>Exact against transformers</Explained>
            </th>
            <th scope="col">
              <Explained text={RAN}>Run with real weights</Explained>
            </th>
          </tr>
        </thead>
        <tbody>
          {claims.map(({ architecture, title, exact, ran }) => (
            <tr key={architecture}>
              <td>{title}</td>
              <td>
                <Mark shown>{`with ${Object.keys(exact).map(ropeText).join(', ')}`}</Mark>
              </td>
              <td>
                <Mark shown={ran.length > 0}>{ran.length > 0 ? ran.join(', ') : 'none'}</Mark>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </Panel>
  )
}
