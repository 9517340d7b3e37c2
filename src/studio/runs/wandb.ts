/** Sends a run's metrics to wandb through the gateway, which has the key; the page never sees it. */
import type { FetchLedger } from '../../network/fetchLedger'
import { wandbRunOf, wandbSent, WANDB_PROJECT } from '../../records/wandbRun'
import type { Reply, RunDetail } from '../../worker/protocol'
import type { RunsApi } from '../../worker/studioApi'
import { z } from 'zod'
import { accept, attempt, refuse } from '../failure'

export interface WandbParts {
  readonly ledger: FetchLedger
  /** The page's own base address. */
  readonly ownOrigin: string
  readonly detail: (runId: string) => Promise<Reply<RunDetail>>
}

const refusal = z.object({ error: z.object({ message: z.string() }) })
const NO_GATEWAY = 'Hone’s gateway does not answer: start Hone with npm start and WANDB_API_KEY set, which sends the run with that key.'

/** The gateway that serves the page, or the one of `npm start` beside a page from elsewhere. */
function gatewayOf(ownOrigin: string): string {
  const { hostname, protocol, origin } = new URL(ownOrigin)
  const isServed = protocol === 'http:' && ['localhost', '127.0.0.1', '[::1]'].includes(hostname)
  return `${isServed ? origin : 'http://localhost:4180'}/gateway/v1/wandb/runs`
}

export function createWandb({ ledger, ownOrigin, detail }: WandbParts): Pick<RunsApi, 'sendToWandb'> {
  return {
    sendToWandb: (runId, gatewayToken) =>
      attempt('wandb', async () => {
        const found = await detail(runId)
        if (!found.ok) return found
        const { run, metrics } = found.value
        if (metrics.step.length === 0) return refuse('no-metrics', 'The run has no metrics yet.')
        const body = JSON.stringify(wandbRunOf(run, metrics, { project: WANDB_PROJECT, entity: null }))
        const address = gatewayOf(ownOrigin)
        ledger.allow(address)
        const authorization = gatewayToken === null ? {} : { authorization: `Bearer ${gatewayToken}` }
        const response = await ledger
          .fetch(address, { method: 'POST', headers: { 'content-type': 'application/json', ...authorization }, body })
          .catch(() => null)
        const answer: unknown = await response?.json().catch(() => null)
        if (response?.ok !== true) return refuse('wandb', refusal.safeParse(answer).data?.error.message ?? NO_GATEWAY)
        const sent = wandbSent.safeParse(answer)
        return sent.success ? accept(sent.data) : refuse('wandb', NO_GATEWAY)
      }),
  }
}
