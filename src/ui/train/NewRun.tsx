/** A new training run: method → model → data → reward, six settings that matter, and whether it fits. */
import { Anchor, Checkbox, Group, NumberInput, Select, Stack, Text } from '@mantine/core'
import { useMemo, useState } from 'react'
import { Link } from 'wouter'
import { useAnswer } from '../stores/answer'
import { hrefs } from '../stores/hrefs'
import { rememberJob, useActiveJob } from '../stores/jobs'
import { navigate, useUrlState } from '../stores/location'
import { CACHE_DTYPES, WEIGHT_DTYPES } from '../../worker/protocol'
import { useDescription, useGpu, useRecording, useStudio } from '../stores/studio'
import { formatCount, visibleText } from '../format'
import { methodColour } from '../theme'
import { CopyText } from '../widgets/CopyText'
import { NoGpu } from '../widgets/NoGpu'
import { EmptyState, PageHead, Panel, PrimaryButton } from '../widgets/Panel'
import { SchemaForm } from '../widgets/SchemaForm'
import { Term } from '../widgets/Term'
import { CheckpointFields } from './CheckpointFields'
import { EstimatePanel } from './EstimatePanel'
import { commandLine, configOf, configText, formOf, newRunUrl, trainRequest } from './newRunForm'
import { PreflightPanel } from './PreflightPanel'
import { RecipeFiles } from './RecipeFiles'
import { RecipeLoader } from './RecipeLoader'
import { NEW_ADAPTER } from './startChoices'
import { StartFromField } from './StartFromField'
import classes from './train.module.css'
import widgets from '../widgets/widgets.module.css'

export function NewRun() {
  const studio = useStudio()
  const { algorithms } = useDescription()
  const gpu = useGpu()
  const recording = useRecording()
  const busy = useActiveJob() !== null
  const [url, setUrl] = useUrlState(newRunUrl)
  const [problem, setProblem] = useState<string | null>(null)
  const [starting, setStarting] = useState(false)
  const models = useAnswer('models', (from) => from.models.list()).value ?? []
  const stored = useAnswer('datasets', (from) => from.datasets.list(), ['dataset']).value
  const datasets = stored ?? []
  const runs = useAnswer('runs', (from) => from.runs.list()).value ?? []
  const source = runs.find((run) => run.run_id === url.from)
  const algorithm =
    algorithms.find((one) => one.name === url.algorithm) ??
    algorithms.find((one) => /steptool/i.test(one.name) && one.name !== source?.algorithm) ??
    algorithms.find((one) => one.name !== source?.algorithm) ??
    null
  const model =
    models.find((one) => one.model_id === url.model) ?? models.find((one) => one.model_id === source?.model.id) ?? models[0] ?? null
  const chosen = useMemo(() => (url.data === '' ? [] : url.data.split(',')), [url.data])
  const files = chosen.flatMap((id) => datasets.find((row) => row.dataset_id === id)?.name ?? [])
  // Until it is known what data the form names, it is not known what would be trained on.
  const hasData = files.length === chosen.length
  const request = useMemo(
    () => (algorithm && model && hasData ? trainRequest(url, algorithm.name, model.model_id) : null),
    [url, algorithm, model, hasData],
  )
  const config = useMemo(() => configOf(url), [url])

  const start = async (): Promise<void> => {
    if (!request) return
    setStarting(true)
    const reply = await studio.jobs.start(request)
    setStarting(false)
    if (!reply.ok) {
      setProblem(reply.message)
      return
    }
    rememberJob(reply.value)
    navigate(hrefs.run(reply.value.run_id))
  }

  if (algorithms.length === 0) {
    return (
      <Stack gap={12}>
        <PageHead title="New run" />
        <NoGpu />
        <EmptyState title="No methods to choose from.">The engine did not start, so it could not say what it can train.</EmptyState>
      </Stack>
    )
  }
  return (
    <Stack gap={12}>
      <PageHead
        title="New run"
        about={
          source
            ? `Same practice as ${visibleText(source.title)}, another method.`
            : 'Choose a method, a model, what it learns from, and where the reward comes from.'
        }
      />
      <NoGpu />
      <div className={classes.two}>
        <Stack gap={12} miw={0}>
          <Panel title="1 · Method">
            <RecipeLoader
              fallback={algorithm?.name ?? ''}
              onLoad={(recipe) => {
                setUrl(formOf(recipe))
              }}
            />
            <fieldset className={classes.methods} style={{ marginTop: 8 }}>
              <legend className={classes.legend} style={{ position: 'absolute', clipPath: 'inset(50%)' }}>
                Method
              </legend>
              {algorithms.map((one) => (
                <label key={one.name} className={classes.method}>
                  <input
                    type="radio"
                    name="algorithm"
                    value={one.name}
                    checked={one.name === algorithm?.name}
                    onChange={() => {
                      setUrl({ algorithm: one.name, config: '' })
                    }}
                  />
                  <span className={classes.swatch} style={{ background: methodColour(one) }} />
                  <strong>{one.title}</strong>
                  <small>{one.help}</small>
                </label>
              ))}
            </fieldset>
            {algorithm && (
              <Text size="xs" c="dimmed" mt={8}>
                {algorithm.paper}
              </Text>
            )}
          </Panel>
          <Panel title="2 · Model">
            <Group align="flex-end" gap={12}>
              <Select
                label="Base model"
                data={models.map((one) => ({ value: one.model_id, label: `${one.title} · ${formatCount(one.parameters)} parameters` }))}
                value={model?.model_id ?? null}
                onChange={(value) => {
                  setUrl({ model: value ?? '', start: NEW_ADAPTER })
                }}
                style={{ flex: '1 1 280px' }}
              />
              <Select
                label={<Term of="dtype">Weights as</Term>}
                data={[...WEIGHT_DTYPES]}
                allowDeselect={false}
                w={110}
                value={url.dtype}
                onChange={(value) => {
                  setUrl({ dtype: WEIGHT_DTYPES.find((one) => one === value) ?? 'f32' })
                }}
              />
              <Select
                label={<Term of="kv dtype">Cache as</Term>}
                data={[...CACHE_DTYPES]}
                allowDeselect={false}
                w={100}
                value={url.kv}
                onChange={(value) => {
                  setUrl({ kv: CACHE_DTYPES.find((one) => one === value) ?? 'f32' })
                }}
              />
              <Anchor component={Link} href={hrefs.models()}>
                Open another
              </Anchor>
            </Group>
            <StartFromField
              model={model}
              runs={runs}
              value={url.start}
              onChange={(start) => {
                setUrl({ start })
              }}
            />
          </Panel>
          <Panel title="3 · Data">
            <Stack gap={6} role="group" aria-label="Data sets">
              <Checkbox
                label="Online: roll out in the starter tool world"
                description="The model practises while it trains; nothing needs to be imported."
                checked={chosen.length === 0}
                onChange={() => {
                  setUrl({ data: '' })
                }}
              />
              {datasets.map((row) => (
                <Checkbox
                  key={row.dataset_id}
                  label={visibleText(row.name)}
                  description={`${formatCount(row.trajectories)} trajectories, ${formatCount(row.steps)} steps`}
                  checked={chosen.includes(row.dataset_id)}
                  onChange={(event) => {
                    const next = event.currentTarget.checked ? [...chosen, row.dataset_id] : chosen.filter((id) => id !== row.dataset_id)
                    setUrl({ data: next.join(',') })
                  }}
                />
              ))}
              <Text size="xs">
                <Anchor component={Link} href={hrefs.data()} size="xs">
                  Import a file
                </Anchor>
              </Text>
              {stored && !hasData && (
                <Text c="var(--hone-unsolved)" role="alert">
                  A data set that was chosen is not stored here any more.{' '}
                  <Anchor
                    component="button"
                    type="button"
                    onClick={() => {
                      setUrl({ data: chosen.filter((id) => stored.some((row) => row.dataset_id === id)).join(',') })
                    }}
                  >
                    Leave it out
                  </Anchor>
                </Text>
              )}
              {chosen.length > 0 && (
                <NumberInput
                  label="Rows"
                  description="Train on the first rows only. Empty: all of them."
                  w={180}
                  hideControls
                  min={1}
                  value={url.rows ?? ''}
                  onChange={(value) => {
                    setUrl({ rows: value === '' ? null : Number(value) })
                  }}
                />
              )}
            </Stack>
          </Panel>
          <Panel title="4 · Reward">
            <Text>
              {chosen.length === 0
                ? 'The tool world scores each step itself: did the call succeed, and was its result needed for the answer.'
                : 'Each step’s label is its reward: a person’s newest opinion, else what the file says, else a judge’s, else a rule’s. Unlabelled steps carry none.'}
            </Text>
            {chosen[0] !== undefined && (
              <Anchor component={Link} href={hrefs.label(undefined, { dataset: chosen[0] })} size="xs">
                Look at the labels
              </Anchor>
            )}
          </Panel>
          {algorithm && (
            <Panel title="5 · Settings">
              <Group gap={16} align="flex-start" mb={8}>
                <NumberInput
                  label="Steps"
                  description="Empty: the method’s."
                  w={140}
                  hideControls
                  min={1}
                  value={url.steps ?? ''}
                  onChange={(value) => {
                    setUrl({ steps: value === '' ? null : Number(value) })
                  }}
                />
                <NumberInput
                  label="Seed"
                  description="Same seed, same bits."
                  w={140}
                  hideControls
                  value={url.seed}
                  onChange={(value) => {
                    setUrl({ seed: Number(value) })
                  }}
                />
              </Group>
              <CheckpointFields value={url} metrics={Object.keys(algorithm.metrics)} onChange={setUrl} />
              <SchemaForm
                schema={algorithm.configSchema}
                value={config}
                onChange={(next) => {
                  setUrl({ config: configText(next) })
                }}
              />
            </Panel>
          )}
        </Stack>
        <div className={classes.side}>
          <EstimatePanel request={request} />
          <PreflightPanel request={request} />
          <PrimaryButton
            size="sm"
            disabled={request === null || starting || busy || recording !== null || gpu?.state !== 'ready'}
            data-testid="train-start"
            onClick={() => {
              void start()
            }}
          >
            {starting ? 'Starting…' : 'Start training'}
          </PrimaryButton>
          {busy && <Text c="dimmed">One run at a time: the one at work is in the bar above.</Text>}
          {recording && <Text c="dimmed">You are watching a recorded run. Go back to this computer to train.</Text>}
          {problem !== null && (
            <Text c="var(--hone-unsolved)" role="alert">
              {problem}
            </Text>
          )}
          {request && (
            <details>
              <summary>The same from the command line</summary>
              <pre className={widgets.code} tabIndex={0} aria-label="Command line">
                {commandLine(request, files)}
              </pre>
              <CopyText text={commandLine(request, files)} />
              {request.initAdapter && (
                <Text size="xs" c="dimmed" mt={6}>
                  --init-adapter names the folder of the adapter’s files: export them there first.
                </Text>
              )}
            </details>
          )}
          {request && (
            <details>
              <summary>The same as a recipe, in TRL or in verl</summary>
              <RecipeFiles source={{ kind: 'request', request }} />
            </details>
          )}
        </div>
      </div>
    </Stack>
  )
}
