/** A model from the Hub or from an address: the host first, then what it would fetch, and only then the button that fetches. */
import { useState } from 'react'
import type { DownloadPlan, RemoteModel } from '../../worker/protocol'
import { visibleText } from '../format'
import { isActive, useJobs, useStartJob } from '../queries/jobs'
import { usePlanDownload, useRemoveModel, useUnfinishedDownloads } from '../queries/models'
import { Panel } from '../widgets/Panel'
import { ErrorPanel } from '../widgets/ProblemList'
import { DownloadPlanView } from './DownloadPlanView'
import { DownloadProgress } from './DownloadProgress'
import { changed, hostOf, HUB } from './remoteForm'
import { RemoteModelForm } from './RemoteModelForm'
import { UnfinishedDownload } from './UnfinishedDownload'

/** It lives as long as the tab. The token is in the tab's memory and is never stored. */
let remembered: RemoteModel = { where: '', hub: HUB, token: '' }

function useRemoteModel() {
  const [form, setForm] = useState(remembered)
  const [plan, setPlan] = useState<DownloadPlan | null>(null)
  const lookUp = usePlanDownload()
  const startJob = useStartJob()
  const removeModel = useRemoveModel()
  const forget = (): void => {
    for (const command of [lookUp, startJob, removeModel]) command.reset()
  }
  return {
    form,
    plan,
    isLooking: lookUp.isPending,
    error: lookUp.error ?? startJob.error ?? removeModel.error,
    change: (patch: Partial<RemoteModel>) => {
      remembered = changed(form, patch)
      setForm(remembered)
      setPlan(null)
      forget()
    },
    lookUp: () => {
      forget()
      setPlan(null)
      lookUp.mutate(form, { onSuccess: setPlan })
    },
    download: (model: RemoteModel) => {
      forget()
      startJob.mutate(
        { kind: 'download', model },
        {
          onSuccess: () => {
            setPlan(null)
          },
        },
      )
    },
    remove: (modelId: string) => {
      forget()
      removeModel.mutate(modelId)
    },
  }
}

export function RemoteModelPanel() {
  const remote = useRemoteModel()
  const { form, plan } = remote
  const unfinished = useUnfinishedDownloads().data ?? []
  const job = useJobs().findLast(({ kind }) => kind === 'download')
  const isBusy = job !== undefined && isActive(job)
  return (
    <Panel title="From the Hub or an address" testId="remote-model">
      <RemoteModelForm form={form} onChange={remote.change} isLooking={remote.isLooking} onLookUp={remote.lookUp} />
      {remote.error !== null && (
        <div style={{ marginTop: 12 }}>
          <ErrorPanel title="The model was not loaded.">
            <span data-testid="remote-error">{visibleText(remote.error)}</span>
          </ErrorPanel>
        </div>
      )}
      {plan && (
        <DownloadPlanView
          plan={plan}
          isBusy={isBusy}
          onFetch={() => {
            remote.download({ ...form, where: plan.pinned })
          }}
        />
      )}
      {job && (
        <div style={{ marginTop: 12 }}>
          <DownloadProgress job={job} />
        </div>
      )}
      {!isBusy &&
        unfinished.map((one) => (
          <UnfinishedDownload
            key={one.model_id}
            download={one}
            onContinue={() => {
              // The token typed for this host, or none.
              const token = hostOf(form) === one.host ? form.token : ''
              remote.download({ where: one.where, hub: one.hub, token })
            }}
            onRemove={() => {
              remote.remove(one.model_id)
            }}
          />
        ))}
    </Panel>
  )
}
