import { Button, Drawer, Group, NumberInput, PasswordInput, SegmentedControl, Select, Stack, Text, TextInput } from '@mantine/core'
import { useState } from 'react'
import type { JudgePlan, JudgeSettings } from '../../worker/protocol'
import { formatCount } from '../format'
import { rememberJob, useJobs, isActive } from '../stores/jobs'
import { useStudio } from '../stores/studio'
import { PrimaryButton } from '../widgets/Panel'
import { ErrorPanel } from '../widgets/ProblemList'
import { connectionAdvice, hostOf, judgeAddressProblem, judgePresets, type JudgePreset } from './judgePresets'
import classes from './labelling.module.css'

interface JudgeProps {
  readonly opened: boolean
  readonly onClose: () => void
  readonly datasetId: string | null
  readonly current: string | null
  /** Ids shown in the queue, and those of them with a step no judge has seen. */
  readonly shown: readonly string[]
  readonly unjudged: readonly string[]
}

type Scope = 'current' | 'unjudged' | 'shown'
type Test = { readonly state: 'none' | 'running' | 'failed' | 'ok'; readonly message: string }

const firstPreset = judgePresets[0] as JudgePreset
/** Lives as long as the tab: the key is held here and nowhere else. */
let remembered: { preset: string; settings: JudgeSettings } = {
  preset: firstPreset.name,
  settings: { baseUrl: firstPreset.baseUrl, model: firstPreset.model, apiKey: '', repeats: 1, temperature: 0 },
}

/** A judge: where it runs, how many calls that is, and only then the button that sends. */
export function JudgeDrawer({ opened, onClose, datasetId, current, shown, unjudged }: JudgeProps) {
  const studio = useStudio()
  const [preset, setPreset] = useState(remembered.preset)
  const [settings, setSettings] = useState(remembered.settings)
  const [scope, setScope] = useState<Scope>('current')
  const [price, setPrice] = useState<number | string>('')
  const [test, setTest] = useState<Test>({ state: 'none', message: '' })
  const [plan, setPlan] = useState<{ readonly plan: JudgePlan; readonly ids: readonly string[] } | null>(null)
  const [error, setError] = useState<string | null>(null)
  const judging = useJobs().findLast((job) => job.kind === 'judge')
  const chosen = judgePresets.find((one) => one.name === preset) ?? firstPreset
  const addressProblem = judgeAddressProblem(settings.baseUrl)
  const ids = scope === 'current' ? (current === null ? [] : [current]) : scope === 'shown' ? shown : unjudged

  const change = (patch: Partial<JudgeSettings>): void => {
    const next = { ...settings, ...patch }
    remembered = { ...remembered, settings: next }
    setSettings(next)
    setPlan(null)
    setTest({ state: 'none', message: '' })
  }
  const choosePreset = (name: string): void => {
    const to = judgePresets.find((one) => one.name === name)
    if (!to) return
    remembered = { ...remembered, preset: name }
    setPreset(name)
    // A key belongs to one host: it never follows to another.
    change({ baseUrl: to.baseUrl, model: to.model, apiKey: '' })
  }
  const runTest = async (): Promise<void> => {
    setTest({ state: 'running', message: '' })
    const reply = await studio.judges.test(settings)
    setTest(reply.ok ? { state: 'ok', message: reply.value } : { state: 'failed', message: reply.message })
  }
  const makePlan = async (): Promise<void> => {
    if (datasetId === null) return
    setError(null)
    const reply = await studio.judges.plan(datasetId, ids, settings)
    if (reply.ok) setPlan({ plan: reply.value, ids })
    else setError(reply.message)
  }
  const send = async (): Promise<void> => {
    if (datasetId === null || !plan) return
    const reply = await studio.jobs.start({ kind: 'judge', dataset_id: datasetId, trajectory_ids: plan.ids, settings })
    if (reply.ok) {
      rememberJob(reply.value)
      setPlan(null)
    } else setError(reply.message)
  }
  const perform = (work: () => Promise<void>) => (): void => {
    work().catch((reason: unknown) => {
      setError(reason instanceof Error ? reason.message : String(reason))
    })
  }

  return (
    <Drawer opened={opened} onClose={onClose} title="Ask a judge" size="min(440px, 100%)" closeButtonProps={{ 'aria-label': 'Close' }}>
      <Stack
        gap={12}
        component="form"
        {...{ autoComplete: 'off' }}
        onSubmit={(event: React.SyntheticEvent) => {
          event.preventDefault()
        }}
      >
        <Text size="xs" c="dimmed">
          A judge reads steps and suggests labels. Its opinions stand beside yours and never replace them. Labelling goes on while it works.
        </Text>
        <Select
          label="Server"
          data={judgePresets.map((one) => ({ value: one.name, label: one.title }))}
          value={preset}
          onChange={(value) => {
            choosePreset(value ?? preset)
          }}
        />
        <TextInput
          label="Address"
          value={settings.baseUrl}
          error={settings.baseUrl === '' ? null : addressProblem}
          placeholder="https://host/v1"
          inputMode="url"
          autoComplete="off"
          onChange={(event) => {
            change({ baseUrl: event.currentTarget.value })
          }}
        />
        <TextInput
          label="Model"
          value={settings.model}
          placeholder="as the server names it"
          autoComplete="off"
          onChange={(event) => {
            change({ model: event.currentTarget.value })
          }}
        />
        <PasswordInput
          label="Key"
          size="xs"
          description={
            chosen.needsKey
              ? 'Held in this tab’s memory only. Never stored, exported, logged or put in an address.'
              : 'Most local servers need none. Held in memory only.'
          }
          value={settings.apiKey}
          autoComplete="off"
          name="hone-judge-key"
          data-1p-ignore
          data-lpignore="true"
          visibilityToggleButtonProps={{ 'aria-label': 'Show or hide the key' }}
          onChange={(event) => {
            change({ apiKey: event.currentTarget.value })
          }}
        />
        <Group grow gap={8}>
          <NumberInput
            label="Repeats"
            description="of each question"
            min={1}
            max={9}
            value={settings.repeats}
            onChange={(value) => {
              change({ repeats: Math.max(1, Math.min(9, Number(value) || 1)) })
            }}
          />
          <NumberInput
            label="Temperature"
            description="of the judge"
            min={0}
            max={2}
            step={0.1}
            decimalScale={2}
            value={settings.temperature}
            onChange={(value) => {
              change({ temperature: Number(value) || 0 })
            }}
          />
        </Group>
        <Group gap={8}>
          <Button
            onClick={perform(runTest)}
            disabled={addressProblem !== null || settings.model === '' || test.state === 'running'}
            data-testid="judge-test"
          >
            {test.state === 'running' ? 'Testing' : 'Test connection'}
          </Button>
          <Text size="xs" role="status">
            {test.state === 'ok' ? `✓ ${test.message}` : ''}
          </Text>
        </Group>
        {test.state === 'failed' && (
          <ErrorPanel title="The server could not be used." details={test.message}>
            <ul style={{ margin: 0, paddingLeft: 18 }}>
              {connectionAdvice(chosen, settings.baseUrl, location.protocol).map((line) => (
                <li key={line}>{line}</li>
              ))}
            </ul>
          </ErrorPanel>
        )}
        <div>
          <Text size="xs" c="dimmed" mb={4}>
            Which trajectories
          </Text>
          <SegmentedControl
            fullWidth
            size="xs"
            aria-label="Which trajectories"
            value={scope}
            onChange={(value) => {
              setScope(value)
              setPlan(null)
            }}
            data={[
              { value: 'current', label: 'This one' },
              { value: 'unjudged', label: `No judge yet (${formatCount(unjudged.length)})` },
              { value: 'shown', label: `All shown (${formatCount(shown.length)})` },
            ]}
          />
        </div>
        <NumberInput
          label="Price"
          description="Dollars per million prompt tokens, for the estimate below. Look it up: it is not known here."
          min={0}
          step={0.05}
          value={price}
          onChange={setPrice}
          placeholder="not given"
        />
        <Button
          onClick={perform(makePlan)}
          disabled={datasetId === null || ids.length === 0 || addressProblem !== null || settings.model === ''}
          data-testid="judge-count"
        >
          Count the calls
        </Button>
        {datasetId === null && (
          <Text size="xs">A judge works on an imported file. Runs in the starter world are judged by the world itself.</Text>
        )}
        {error !== null && <ErrorPanel title="Nothing was sent." details={error} />}
        {plan && (
          <>
            <dl className={classes.plan} data-testid="judge-plan">
              <dt>Goes to</dt>
              <dd>{plan.plan.host}</dd>
              <dt>Calls</dt>
              <dd>{formatCount(plan.plan.calls)}</dd>
              <dt>Trajectories</dt>
              <dd>{formatCount(plan.plan.trajectories)}</dd>
              <dt>Prompt tokens</dt>
              <dd>≈ {formatCount(plan.plan.promptTokensEstimate)}</dd>
              <dt>Cost</dt>
              <dd>
                {typeof price === 'number'
                  ? `≈ $${((plan.plan.promptTokensEstimate / 1e6) * price).toFixed(2)} for the prompts, an estimate`
                  : 'not estimated: no price given'}
              </dd>
            </dl>
            <PrimaryButton data-testid="judge-send" onClick={perform(send)}>
              Send {formatCount(plan.plan.calls)} {plan.plan.calls === 1 ? 'call' : 'calls'} to {hostOf(settings.baseUrl) ?? plan.plan.host}
            </PrimaryButton>
          </>
        )}
        {judging && (
          <Text size="xs" role="status" data-testid="judge-progress" data-job={judging.job_id}>
            {isActive(judging)
              ? `Judging: ${judging.done} of ${judging.total}`
              : `Judge ${judging.state}: ${judging.done} of ${judging.total}`}
            {judging.error !== null && ` — ${judging.error}`}
          </Text>
        )}
      </Stack>
    </Drawer>
  )
}
