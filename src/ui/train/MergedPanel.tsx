/** The base with a run's adapter merged in: how far the two are apart, and its files. It is there until the page closes or another merge ends. */
import { Anchor, Button, Group, Text } from '@mantine/core'
import { Link } from 'wouter'
import type { RunRecord } from '../../records/run'
import { mergedJobId, type JobSnapshot } from '../../worker/protocol'
import { downloadFile } from '../downloadFile'
import { counted, formatBytes, visibleText } from '../format'
import { hrefs } from '../navigation/hrefs'
import { FolderImport } from '../models/FolderImport'
import { isActive, useJobOfRun } from '../queries/jobs'
import { useImportModel } from '../queries/models'
import { useMergedModel } from '../queries/runs'
import { newImportId } from '../stores/imports'
import { Panel } from '../widgets/Panel'
import { ErrorPanel } from '../widgets/ProblemList'
import { Term } from '../widgets/Term'

export function MergedPanel({ run }: { readonly run: RunRecord }) {
  const job = useJobOfRun(mergedJobId(run.run_id))
  if (!job || job.state === 'cancelled') return null
  if (job.state === 'failed') return <ErrorPanel title="The adapter could not be merged.">{job.error ?? ''}</ErrorPanel>
  if (isActive(job))
    return (
      <Panel title="Merged model">
        <Text c="dimmed" role="status">
          {job.message === '' ? 'Starting' : job.message}: {job.total > 0 ? Math.round((100 * job.done) / job.total) : 0} %
        </Text>
      </Panel>
    )
  return <Merged run={run} job={job} />
}

const DTYPES = { F16: 'float16', BF16: 'bfloat16', F32: 'float32' } as const

function Merged({ run, job }: { readonly run: RunRecord; readonly job: JobSnapshot }) {
  const { data: merged, error } = useMergedModel(run.run_id, job.job_id)
  const store = useImportModel()
  if (!merged) return error === null ? null : <ErrorPanel title="The merged model is gone.">{error}</ErrorPanel>
  const files = Object.entries(merged.files)
  const { mean, max, tokens, sameTop } = merged.kl
  const storeModel = (): void => {
    const name = `${run.model.id}-${run.algorithm ?? 'run'}-merged`
    store.mutate({ name, files: files.map(([file, blob]) => new File([blob], file)), importId: newImportId() })
  }
  return (
    <Panel title="Merged model" aside={`${DTYPES[merged.dtype]} · ${formatBytes(merged.bytes)}`}>
      <Text data-testid="merged-kl">
        <Term of="kl">KL</Term> of {visibleText(merged.base)} with the adapter to the merged model, on {counted(tokens, 'token')}:{' '}
        {mean.toExponential(2)} nats on average, {max.toExponential(2)} at most; both find the same token likeliest in{' '}
        {(100 * sameTop).toFixed(1)} %.
      </Text>
      {merged.note !== null && <Text c="dimmed">{merged.note}</Text>}
      <Group gap={8} mt={8}>
        <Button
          size="compact-sm"
          onClick={() => {
            for (const [name, blob] of files) downloadFile(name, blob, 'application/octet-stream')
          }}
        >
          Save its {counted(files.length, 'file')}
        </Button>
        <Button size="compact-sm" disabled={store.isPending || store.data !== undefined} onClick={storeModel}>
          {store.isPending ? 'Adding…' : 'Add it to the models'}
        </Button>
        {store.data && (
          <Anchor component={Link} href={hrefs.models()}>
            Added as {visibleText(store.data.title)}
          </Anchor>
        )}
      </Group>
      {store.isPending && store.variables && <FolderImport of="models" name={store.variables.name} importId={store.variables.importId} />}
      {store.error !== null && (
        <Text {...(store.errorCode === 'cancelled' ? { role: 'status' } : { c: 'var(--hone-unsolved)', role: 'alert' })}>
          {store.error}
        </Text>
      )}
      <Text size="xs" c="dimmed" mt={8}>
        {files.map(([name]) => name).join(', ')}
      </Text>
    </Panel>
  )
}
