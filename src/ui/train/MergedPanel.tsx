/** The base with a run's adapter merged in: how far the two are apart, and its files. Kept until the page closes or another merge ends. */
import { Anchor, Button, Group, Text } from '@mantine/core'
import { useState } from 'react'
import { Link } from 'wouter'
import type { RunRecord } from '../../records/run'
import { mergedJobId, type JobSnapshot } from '../../worker/protocol'
import { formatBytes, visibleText } from '../format'
import { useReply } from '../stores/answer'
import { hrefs } from '../stores/hrefs'
import { isActive, useJobOfRun } from '../stores/jobs'
import { useStudio } from '../stores/studio'
import { downloadBytes } from '../story/exportFiles'
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

function Merged({ run, job }: { readonly run: RunRecord; readonly job: JobSnapshot }) {
  const studio = useStudio()
  const answer = useReply(`merged ${job.job_id}`, (from) => from.runs.mergedModel(run.run_id))
  const [kept, setKept] = useState<string | null>(null)
  const [problem, setProblem] = useState<string | null>(null)
  const [keeping, setKeeping] = useState(false)
  const merged = answer.value
  if (!merged) return answer.error === null ? null : <ErrorPanel title="The merged model is gone.">{answer.error}</ErrorPanel>
  const files = Object.entries(merged.files)
  const { mean, max, tokens, sameTop } = merged.kl
  const keep = async (): Promise<void> => {
    setKeeping(true)
    const reply = await studio.models.importFiles(
      `${run.model.id}-${run.algorithm ?? 'run'}-merged`,
      files.map(([name, blob]) => new File([blob], name)),
    )
    setKeeping(false)
    setProblem(reply.ok ? null : reply.message)
    if (reply.ok) setKept(reply.value.title)
  }
  return (
    <Panel title="Merged model" aside={`${merged.dtype === 'BF16' ? 'bfloat16' : 'float16'} · ${formatBytes(merged.bytes)}`}>
      <Text data-testid="merged-kl">
        <Term of="kl">KL</Term> of {visibleText(merged.base)} with the adapter to the merged model, on {tokens} tokens:{' '}
        {mean.toExponential(2)} nats on average, {max.toExponential(2)} at most; both find the same token likeliest in{' '}
        {(100 * sameTop).toFixed(1)} %.
      </Text>
      {merged.note !== null && <Text c="dimmed">{merged.note}</Text>}
      <Group gap={8} mt={8}>
        <Button
          size="compact-sm"
          onClick={() => {
            for (const [name, blob] of files) downloadBytes(name, [blob], 'application/octet-stream')
          }}
        >
          Save its {files.length} files
        </Button>
        <Button
          size="compact-sm"
          disabled={keeping || kept !== null}
          onClick={() => {
            void keep()
          }}
        >
          {keeping ? 'Keeping…' : 'Keep it among the models'}
        </Button>
        {kept !== null && (
          <Anchor component={Link} href={hrefs.models()}>
            Kept as {visibleText(kept)}
          </Anchor>
        )}
      </Group>
      {problem !== null && (
        <Text c="var(--hone-unsolved)" role="alert">
          {problem}
        </Text>
      )}
      <Text size="xs" c="dimmed" mt={8}>
        {files.map(([name]) => name).join(', ')}
      </Text>
    </Panel>
  )
}
