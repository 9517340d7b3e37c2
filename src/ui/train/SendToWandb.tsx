import { useState } from 'react'
import { Anchor, Button } from '@mantine/core'
import type { WandbSent } from '../../records/wandbRun'
import { useStudio } from '../stores/studio'

/** All metrics of a run so far, through the gateway; then a link to them. */
export function SendToWandb({ runId, onProblem }: { readonly runId: string; readonly onProblem: (message: string | null) => void }) {
  const studio = useStudio()
  const [busy, setBusy] = useState(false)
  const [sent, setSent] = useState<WandbSent | null>(null)
  const send = async (): Promise<void> => {
    setBusy(true)
    const reply = await studio.runs.sendToWandb(runId)
    onProblem(reply.ok ? null : reply.message)
    setSent(reply.ok ? reply.value : null)
    setBusy(false)
  }
  return (
    <>
      <Button size="compact-xs" loading={busy} onClick={() => void send()}>
        Send to wandb
      </Button>
      {sent && (
        <Anchor href={sent.url} target="_blank" rel="noreferrer" size="xs">
          {sent.sent} of {sent.steps} steps were new to wandb
        </Anchor>
      )}
    </>
  )
}
