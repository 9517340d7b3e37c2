import { Anchor, Button, Text } from '@mantine/core'
import { useEffect, useRef, useState } from 'react'
import { Link } from 'wouter'
import { z } from 'zod'
import type { ModelRow } from '../../worker/protocol'
import { downloadFile } from '../dataset/useImports'
import classes from '../tools/tools.module.css'
import { formatBytes, formatCount } from '../format'
import { useAnswer } from '../stores/answer'
import { hrefs } from '../stores/hrefs'
import { useUrlState } from '../stores/location'
import { useStudio } from '../stores/studio'
import { VisibleText } from '../trajectory/VisibleText'
import { EmptyState, Loading, PageHead, Panel, PrimaryButton } from '../widgets/Panel'
import { ErrorPanel } from '../widgets/ProblemList'
import { Term } from '../widgets/Term'

const urlSchema = z.object({ model: z.string().default('') })

function parameterText(count: number): string {
  if (count >= 1e9) return `${(count / 1e9).toFixed(2)} B`
  return count >= 1e6 ? `${(count / 1e6).toFixed(2)} M` : formatCount(count)
}

export default function ModelsPage() {
  const [url] = useUrlState(urlSchema)
  const studio = useStudio()
  const models = useAnswer('models', (from) => from.models(), ['job'])
  const picker = useRef<HTMLInputElement>(null)
  const [importing, setImporting] = useState<string | null>(null)
  const [error, setError] = useState<string | null>(null)
  useEffect(() => {
    // React has no name for this attribute.
    picker.current?.setAttribute('webkitdirectory', '')
  }, [])

  const importFolder = async (files: readonly File[]): Promise<void> => {
    const folder = files[0]?.webkitRelativePath.split('/')[0] ?? files[0]?.name ?? 'model'
    setImporting(folder)
    setError(null)
    const reply = await studio.importModel(folder, files)
    if (reply.ok) models.reload()
    else setError(reply.message)
  }
  const exportAdapter = async (runId: string, title: string): Promise<void> => {
    setError(null)
    const reply = await studio.exportAdapter(runId)
    if (!reply.ok) {
      setError(reply.message)
      return
    }
    for (const [name, bytes] of Object.entries(reply.value)) downloadFile(name, bytes, 'application/octet-stream')
    setImporting(null)
    setError(Object.keys(reply.value).length === 0 ? `${title} holds no adapter files.` : null)
  }
  const attempt = (work: Promise<void>): void => {
    work
      .catch((reason: unknown) => {
        setError(reason instanceof Error ? reason.message : String(reason))
      })
      .finally(() => {
        setImporting(null)
      })
  }
  return (
    <>
      <PageHead
        title="Models"
        about="Checkpoints in Hugging Face layout, and the adapters trained on them here."
        actions={
          <>
            <PrimaryButton onClick={() => picker.current?.click()} loading={importing !== null}>
              Import a folder
            </PrimaryButton>
            <input
              ref={picker}
              type="file"
              multiple
              className={classes.hidden}
              aria-label="Model folder"
              data-testid="model-folder"
              tabIndex={-1}
              onChange={(event) => {
                const files = [...(event.currentTarget.files ?? [])]
                event.currentTarget.value = ''
                if (files.length > 0) attempt(importFolder(files))
              }}
            />
          </>
        }
      />
      <Text size="xs" c="dimmed" mb={12}>
        A folder needs config.json, tokenizer.json and *.safetensors. Llama 2 and 3, Qwen 2, 2.5 and 3 are read; pickled weights (.bin, .pt)
        are refused because opening them can run code.
      </Text>
      {importing !== null && (
        <Text role="status" mb={12}>
          Reading {importing}
        </Text>
      )}
      {error !== null && (
        <ErrorPanel title="That did not work." details={error}>
          Models already here were not touched.
        </ErrorPanel>
      )}
      {models.loading && <Loading lines={4} />}
      {models.error !== null && <ErrorPanel title="The models could not be listed." details={models.error} />}
      {models.value?.length === 0 && <EmptyState title="No models.">Import a folder that holds a checkpoint.</EmptyState>}
      <div className={classes.models}>
        {models.value?.map((model) => (
          <ModelCard
            key={model.model_id}
            model={model}
            current={model.model_id === url.model}
            onExport={(runId, title) => {
              attempt(exportAdapter(runId, title))
            }}
          />
        ))}
      </div>
    </>
  )
}

function ModelCard({
  model,
  current,
  onExport,
}: {
  readonly model: ModelRow
  readonly current: boolean
  readonly onExport: (runId: string, title: string) => void
}) {
  const facts: readonly (readonly [string, string])[] = [
    ['Architecture', model.architecture],
    ['Parameters', parameterText(model.parameters)],
    ['On disk', formatBytes(model.bytes)],
    ['In f32', formatBytes(model.parameters * 4)],
    ['Context', `${formatCount(model.contextLength)} tokens`],
    ['Vocabulary', formatCount(model.vocabulary)],
  ]
  return (
    <div data-testid="model-card" data-model={model.model_id} aria-current={current ? 'true' : undefined}>
      <Panel
        title={<VisibleText text={model.title} />}
        aside={
          <>
            <Button component={Link} href={hrefs.newRun({ model: model.model_id })}>
              Train
            </Button>
            <Button component={Link} href={hrefs.evaluate()}>
              Evaluate
            </Button>
          </>
        }
      >
        <dl className={classes.facts}>
          {facts.map(([name, value]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>
                <VisibleText text={value} />
              </dd>
            </div>
          ))}
        </dl>
        <Text size="xs" c="dimmed" mt={12} mb={4}>
          <Term of="adapter">Adapters</Term> trained on it
        </Text>
        {model.adapters.length === 0 ? (
          <Text size="xs">None yet.</Text>
        ) : (
          <ul className={classes.plain}>
            {model.adapters.map((adapter) => (
              <li key={adapter.run_id} className={classes.adapter} data-testid="adapter-row">
                <span>
                  <Anchor component={Link} href={hrefs.run(adapter.run_id)} size="sm">
                    <VisibleText text={adapter.title} />
                  </Anchor>
                  <span className={classes.hash} title={`SHA-256 ${adapter.sha256}`}>
                    {adapter.sha256.slice(0, 12)}
                  </span>
                </span>
                <Button
                  size="compact-xs"
                  onClick={() => {
                    onExport(adapter.run_id, adapter.title)
                  }}
                  aria-label={`Export (PEFT): ${adapter.title}`}
                >
                  Export (PEFT)
                </Button>
              </li>
            ))}
          </ul>
        )}
      </Panel>
    </div>
  )
}
