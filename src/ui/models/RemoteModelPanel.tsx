/** A model from the Hub or from an address: the host first, then what it would fetch, and only then the button that fetches. */
import { Button, Group, PasswordInput, Text, TextInput } from '@mantine/core'
import { useState } from 'react'
import type { DownloadPlan, RemoteModel } from '../../worker/protocol'
import { ConfirmButton } from '../dataset/ConfirmButton'
import { formatBytes, formatCount, visibleText } from '../format'
import { useAnswer } from '../stores/answer'
import { useStudioEvents } from '../stores/events'
import { isActive, rememberJob, useJobs } from '../stores/jobs'
import { useStudio } from '../stores/studio'
import { VisibleText } from '../trajectory/VisibleText'
import { Panel } from '../widgets/Panel'
import { ErrorPanel } from '../widgets/ProblemList'
import { DownloadProgress } from './DownloadProgress'
import { changed, hostOf, HUB } from './remoteForm'
import classes from './models.module.css'

/** Lives as long as the tab: the token is held here and nowhere else. */
let remembered: RemoteModel = { where: '', hub: HUB, token: '' }

export function RemoteModelPanel() {
  const studio = useStudio()
  const [form, setForm] = useState(remembered)
  const [isLooking, setLooking] = useState(false)
  const [plan, setPlan] = useState<DownloadPlan | null>(null)
  const [error, setError] = useState<string | null>(null)
  const unfinished = useAnswer('unfinished', (from) => from.models.unfinishedDownloads())
  useStudioEvents(['job'], (events) => {
    if (events.some((event) => event.type === 'job' && event.job.kind === 'download' && !isActive(event.job))) unfinished.reload()
  })
  const job = useJobs().findLast(({ kind }) => kind === 'download')
  const isBusy = job !== undefined && isActive(job)
  const host = form.where.trim() === '' ? null : hostOf(form)

  const change = (patch: Partial<RemoteModel>): void => {
    remembered = changed(form, patch)
    setForm(remembered)
    setPlan(null)
    setError(null)
  }
  const perform = (work: () => Promise<void>): void => {
    setError(null)
    work().catch((reason: unknown) => {
      setError(reason instanceof Error ? reason.message : String(reason))
    })
  }
  const lookUp = async (): Promise<void> => {
    setLooking(true)
    setPlan(null)
    try {
      const reply = await studio.models.planDownload(form)
      if (reply.ok) setPlan(reply.value)
      else setError(reply.message)
    } finally {
      setLooking(false)
    }
  }
  const fetchModel = async (model: RemoteModel): Promise<void> => {
    const reply = await studio.jobs.start({ kind: 'download', model })
    if (reply.ok) {
      rememberJob(reply.value)
      setPlan(null)
    } else setError(reply.message)
  }
  const remove = async (modelId: string): Promise<void> => {
    const reply = await studio.models.remove(modelId)
    if (!reply.ok) setError(reply.message)
    unfinished.reload()
  }
  return (
    <Panel title="From the Hub or an address" testId="remote-model">
      <form
        className={classes.stack}
        autoComplete="off"
        onSubmit={(event) => {
          event.preventDefault()
          if (host !== null && !isLooking) perform(lookUp)
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
              change({ where: event.currentTarget.value })
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
              change({ token: event.currentTarget.value })
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
              change({ hub: event.currentTarget.value })
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
      {error !== null && (
        <div style={{ marginTop: 12 }}>
          <ErrorPanel title="The model was not loaded.">
            <span data-testid="remote-error">{visibleText(error)}</span>
          </ErrorPanel>
        </div>
      )}
      {plan && (
        <PlanView
          plan={plan}
          isBusy={isBusy}
          onFetch={() => {
            perform(() => fetchModel({ ...form, where: plan.pinned }))
          }}
        />
      )}
      {job && (
        <div style={{ marginTop: 12 }}>
          <DownloadProgress job={job} />
        </div>
      )}
      {!isBusy &&
        unfinished.value?.map((one) => (
          <div key={one.model_id} className={classes.unfinished} style={{ marginTop: 12 }} data-testid="unfinished">
            <Text size="xs">
              <VisibleText text={`${one.title} from ${one.host}: ${formatBytes(one.keptBytes)} of ${formatBytes(one.bytes)} are here.`} />
            </Text>
            <Group gap={8}>
              <Button
                size="compact-xs"
                data-testid="download-continue"
                onClick={() => {
                  // The token typed for this host, or none.
                  const token = hostOf(form) === one.host ? form.token : ''
                  perform(() => fetchModel({ where: one.where, hub: one.hub, token }))
                }}
              >
                Continue
              </Button>
              <ConfirmButton
                label="Delete"
                confirmLabel="Delete what arrived"
                ariaLabel={`Delete the download of ${one.title}`}
                onConfirm={() => {
                  perform(() => remove(one.model_id))
                }}
              />
            </Group>
          </div>
        ))}
    </Panel>
  )
}

function PlanView({ plan, isBusy, onFetch }: { readonly plan: DownloadPlan; readonly isBusy: boolean; readonly onFetch: () => void }) {
  const missing = plan.bytes - plan.keptBytes
  const isTooLarge = plan.freeBytes !== null && missing > plan.freeBytes
  const facts: readonly (readonly [string, string])[] = [
    ['From', plan.host],
    ['Revision', plan.revision ?? 'none: this server has no revisions'],
    ['Model', `${plan.architecture}, ${formatCount(plan.parameters)} parameters`],
    ['Files', formatCount(plan.files)],
    ['Size', formatBytes(plan.bytes)],
    ...(plan.keptBytes > 0 ? [['Here already', formatBytes(plan.keptBytes)] as const] : []),
    ...(plan.freeBytes === null ? [] : [['Room left', `${formatBytes(plan.freeBytes)}, as the browser estimates`] as const]),
  ]
  return (
    <div style={{ marginTop: 12 }}>
      <dl className={classes.plan} data-testid="remote-plan">
        {facts.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>
              <VisibleText text={value} />
            </dd>
          </div>
        ))}
      </dl>
      {isTooLarge && <Text mt={8}>The browser has too little room for it: delete models or runs first.</Text>}
      {plan.model_id !== null ? (
        <Text mt={8} role="status">
          This revision is here already.
        </Text>
      ) : (
        <Button mt={8} onClick={onFetch} disabled={isBusy || isTooLarge} data-testid="remote-fetch">
          Download {formatBytes(missing)} from {visibleText(plan.host)}
        </Button>
      )}
    </div>
  )
}
