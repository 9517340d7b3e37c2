import { Button, Group, PasswordInput, Text, TextInput } from '@mantine/core'
import type { RemoteModel } from '../../worker/protocol'
import { visibleText } from '../format'
import { hostOf, HUB } from './remoteForm'
import classes from './models.module.css'

interface RemoteModelFormProps {
  readonly form: RemoteModel
  readonly onChange: (patch: Partial<RemoteModel>) => void
  readonly isLooking: boolean
  readonly onLookUp: () => void
}

/** Which model, on which server, with which token. Pressing the button is what first asks the server. */
export function RemoteModelForm({ form, onChange, isLooking, onLookUp }: RemoteModelFormProps) {
  const host = form.where.trim() === '' ? null : hostOf(form)
  return (
    <form
      className={classes.stack}
      autoComplete="off"
      onSubmit={(event) => {
        event.preventDefault()
        if (host !== null && !isLooking) onLookUp()
      }}
    >
      <div className={classes.fields}>
        <TextInput
          label="Model"
          description="owner/name, owner/name@revision, or the address of a folder"
          placeholder="Qwen/Qwen2.5-0.5B-Instruct"
          value={form.where}
          autoComplete="off"
          spellCheck={false}
          onChange={(event) => {
            onChange({ where: event.currentTarget.value })
          }}
        />
        <PasswordInput
          label="Access token"
          size="xs"
          description="For private and gated models. In this tab’s memory only."
          value={form.token}
          autoComplete="off"
          name="hone-model-token"
          data-1p-ignore
          data-lpignore="true"
          visibilityToggleButtonProps={{ 'aria-label': 'Show or hide the token' }}
          onChange={(event) => {
            onChange({ token: event.currentTarget.value })
          }}
        />
      </div>
      <details open={form.hub !== HUB}>
        <summary>Another Hub</summary>
        <TextInput
          label="Address of the Hub"
          description="A mirror with the same layout"
          value={form.hub}
          inputMode="url"
          autoComplete="off"
          onChange={(event) => {
            onChange({ hub: event.currentTarget.value })
          }}
        />
      </details>
      <Group gap={8}>
        <Button type="submit" disabled={host === null || isLooking} data-testid="remote-look">
          {isLooking ? `Asking ${host ?? ''}` : host === null ? 'Look up' : `Look up on ${visibleText(host)}`}
        </Button>
        <Text size="xs" c="dimmed">
          {host === null ? 'Nothing is asked of any server before you press this.' : 'Asks for the list of files and reads the headers.'}
        </Text>
      </Group>
    </form>
  )
}
