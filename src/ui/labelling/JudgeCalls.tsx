import { formatCount } from '../format'
import { PrimaryButton } from '../widgets/Panel'
import { hostOf } from '../servers/serverPresets'
import classes from './labelling.module.css'
import type { Judge } from './useJudge'

/** How many calls go where, what they may cost, and the button that sends them. */
export function JudgeCalls({ judge }: { readonly judge: Judge }) {
  if (judge.counted === null) return null
  const { plan } = judge.counted
  const price = judge.server.settings.price?.input
  return (
    <>
      <dl className={classes.plan} data-testid="judge-plan">
        <dt>Goes to</dt>
        <dd>{plan.host}</dd>
        <dt>Calls</dt>
        <dd>{formatCount(plan.calls)}</dd>
        <dt>Trajectories</dt>
        <dd>{formatCount(plan.trajectories)}</dd>
        <dt>Prompt tokens</dt>
        <dd>≈ {formatCount(plan.promptTokensEstimate)}</dd>
        <dt>Cost</dt>
        <dd>
          {price !== undefined
            ? `≈ $${((plan.promptTokensEstimate / 1e6) * price).toFixed(2)} for the prompts, an estimate`
            : 'not estimated: no price given'}
        </dd>
      </dl>
      <PrimaryButton data-testid="judge-send" onClick={judge.send}>
        Send {formatCount(plan.calls)} {plan.calls === 1 ? 'call' : 'calls'} to {hostOf(judge.server.settings.baseUrl) ?? plan.host}
      </PrimaryButton>
    </>
  )
}
