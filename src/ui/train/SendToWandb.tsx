import { counted } from '../format'
import { Anchor, Button, Text } from '@mantine/core'
import { useSendToWandb } from '../queries/runs'

/** Sends all metrics of a run so far through the gateway, then links to them. */
export function SendToWandb({ runId }: { readonly runId: string }) {
  const { mutate, isPending, data: sent, error } = useSendToWandb()
  return (
    <>
      <Button
        size="compact-xs"
        loading={isPending}
        onClick={() => {
          mutate(runId)
        }}
      >
        Send to wandb
      </Button>
      {sent && (
        <Anchor href={sent.url} target="_blank" rel="noreferrer" size="xs">
          {sent.sent} of {counted(sent.steps, 'step')} were new to wandb
        </Anchor>
      )}
      {error !== null && (
        <Text c="var(--hone-unsolved)" role="alert">
          {error}
        </Text>
      )}
    </>
  )
}
