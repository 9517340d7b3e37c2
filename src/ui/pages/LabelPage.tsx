import { Button, Text } from '@mantine/core'
import { useMediaQuery } from '@mantine/hooks'
import { useEffect, useMemo, useRef, useState } from 'react'
import { Link } from 'wouter'
import { z } from 'zod'
import { JudgeDrawer } from '../labelling/JudgeDrawer'
import { JudgementPanel } from '../labelling/JudgementPanel'
import { LabelQueue } from '../labelling/LabelQueue'
import { useLabelsOf } from '../labelling/labelStore'
import classes from '../labelling/labelling.module.css'
import { queueRows, type QueueRow } from '../labelling/labelQueue'
import { choiceOfKey, firstErrorCascade, humanJudgement } from '../labelling/reward'
import { AgreementPanel, Suggestions } from '../labelling/Suggestions'
import { acceptedOpinions, agreements, suggestionsFor, type Suggestion } from '../labelling/suggestions'
import { defaultAdvantageOptions } from '../labelling/useAdvantages'
import { useLabelDesk } from '../labelling/useLabelDesk'
import { useLabelling } from '../labelling/useLabelling'
import { WhatIfStrip, type StripView } from '../labelling/WhatIfStrip'
import type { LabelState, NewOpinion } from '../../worker/protocol'
import { NOTHING, useReply } from '../stores/answer'
import { hrefs } from '../stores/hrefs'
import { navigate, useUrlState } from '../stores/location'
import { usePageKeys, type PageKey } from '../stores/pageKeys'
import { SourceSelect } from '../trajectory/SourceSelect'
import { TrajectoryReader } from '../trajectory/TrajectoryReader'
import { useSources, useTrajectoriesOf } from '../trajectory/useSources'
import { EmptyState, Loading, PageHead, Panel } from '../widgets/Panel'
import { ErrorPanel } from '../widgets/ProblemList'

const urlSchema = z.object({
  id: z.string().default(''),
  dataset: z.string().default(''),
  run: z.string().default(''),
  step: z.coerce.number().int().nonnegative().catch(0).default(0),
  q: z.string().default(''),
  show: z.enum(['all', 'todo', 'done']).catch('all').default('all'),
  order: z.enum(['disagreement', 'file', 'unlabelled']).catch('disagreement').default('disagreement'),
})

export default function LabelPage() {
  const [url, setUrl] = useUrlState(urlSchema)
  const [judgeOpen, setJudgeOpen] = useState(false)
  const [view, setView] = useState<StripView>({ kind: 'advantages', options: defaultAdvantageOptions })
  const search = useRef<HTMLInputElement>(null)
  const { sources, chosen, loading } = useSources(url)
  const list = useTrajectoriesOf(chosen)
  const all = useMemo(() => list.value ?? [], [list.value])
  const [opened, setOpened] = useState('')
  const first = url.id === '' ? opened : url.id
  const ids = useMemo(() => [...new Set([...(first === '' ? [] : [first]), ...all.map((one) => one.trajectory_id)])], [all, first])
  const labelsById = useLabelsOf(ids)
  const everyRow = useMemo(() => queueRows(all, labelsById, { text: '', show: 'all', order: 'file' }), [all, labelsById])
  const rows = useMemo(
    () => queueRows(all, labelsById, { text: url.q, show: url.show, order: url.order }),
    [all, labelsById, url.q, url.show, url.order],
  )
  // The first of the queue, held on to: the order may change while one labels.
  const settled = useSettled(list.value !== null, everyRow)
  const held = all.some((one) => one.trajectory_id === opened) ? opened : settled ? (rows[0]?.trajectory.trajectory_id ?? '') : ''
  if (url.id === '' && held !== opened) setOpened(held)
  const selectedId = url.id !== '' ? url.id : held
  const listed = all.find((one) => one.trajectory_id === selectedId)
  const alone = useReply(listed || selectedId === '' || list.loading ? NOTHING : `trajectory ${selectedId}`, (studio) =>
    studio.trajectory(selectedId),
  )
  const trajectory = listed ?? alone.value ?? null
  const steps = trajectory?.steps.length ?? 0
  const step = Math.max(0, Math.min(url.step, steps - 1))
  const labels = trajectory ? (labelsById.get(trajectory.trajectory_id) ?? null) : null
  const desk = useLabelDesk(trajectory, labels, step)
  const { store: keep, undo, lastRows, said, error } = useLabelling(trajectory, labels)
  const suggestions = useMemo(() => suggestionsFor(labels?.opinions ?? [], step), [labels, step])
  const agreement = useMemo(() => agreements(labelsById.values()), [labelsById])
  const isLastStep = step === steps - 1
  const datasetId = chosen?.kind === 'dataset' ? chosen.id : null
  const unjudged = useMemo(
    () =>
      rows
        .filter((row) => row.known && trajectoryLacksJudge(row.steps, labelsById.get(row.trajectory.trajectory_id)))
        .map((row) => row.trajectory.trajectory_id),
    [rows, labelsById],
  )

  const store = (given: readonly NewOpinion[]): void => {
    // What was pointed at is over once a label is given.
    desk.point(null)
    keep(given)
  }
  const goStep = (by: number): void => {
    setUrl({ step: Math.max(0, Math.min(steps - 1, step + by)) })
  }
  const goTrajectory = (by: number): void => {
    const at = rows.findIndex((row) => row.trajectory.trajectory_id === selectedId)
    const next = rows[Math.max(0, Math.min(rows.length - 1, at + by))]
    if (next) setUrl({ id: next.trajectory.trajectory_id, step: 0 })
  }
  const accept = (suggestion: Suggestion | undefined): void => {
    if (trajectory && suggestion) store(acceptedOpinions(trajectory.trajectory_id, step, suggestion))
  }
  const acceptRest = (): void => {
    if (!trajectory || !labels) return
    store(
      trajectory.steps.flatMap((_, index) => {
        const first = suggestionsFor(labels.opinions, index)[0]
        return index < step || labels.resolved[index]?.from === 'HUMAN' || !first
          ? []
          : acceptedOpinions(trajectory.trajectory_id, index, first)
      }),
    )
  }
  const press = (key: string): void => {
    const choice = choiceOfKey(key, isLastStep)
    if (!trajectory || !choice) return
    const same = humanJudgement(labels?.opinions ?? [], step).judgement[choice.name] === choice.value
    if (!same) store([{ trajectory_id: trajectory.trajectory_id, step, name: choice.name, value: choice.value, rationale: desk.note }])
  }
  const onPhone = useMediaQuery('(max-width: 48em)')
  const trainOnThis = datasetId === null ? hrefs.newRun() : hrefs.newRun({ data: datasetId })

  const choiceKey = (keys: string, does: string): PageKey => ({
    keys,
    does,
    run: () => {
      press(keys)
    },
  })
  usePageKeys([
    {
      keys: 'j',
      does: 'next step',
      run: () => {
        goStep(1)
      },
    },
    {
      keys: 'k',
      does: 'previous step',
      run: () => {
        goStep(-1)
      },
    },
    {
      keys: 'shift+J',
      does: 'next trajectory',
      run: () => {
        goTrajectory(1)
      },
    },
    {
      keys: 'shift+K',
      does: 'previous trajectory',
      run: () => {
        goTrajectory(-1)
      },
    },
    choiceKey('1', 'success: yes'),
    choiceKey('0', 'success: no'),
    ...[...'qwerty'].map((key, value) => choiceKey(key, `contribution ${value}`)),
    ...['2', '3', '4', '5'].map((key) => choiceKey(key, `contribution ${key}`)),
    choiceKey('s', 'last step: Solved'),
    choiceKey('u', 'last step: Unsure'),
    choiceKey('n', 'last step: Unsolved'),
    {
      keys: 'Enter',
      does: 'accept the first suggestion',
      preventDefault: false,
      run: (event) => {
        // Enter on a button or link means that button.
        if (!(event.target instanceof Element && event.target.closest('button, a, summary, [role="button"]'))) accept(suggestions[0])
      },
    },
    { keys: 'shift+Enter', does: 'accept the first suggestion of every remaining step', run: acceptRest },
    {
      keys: 'x',
      does: 'first error: this and all later steps failed',
      run: () => {
        if (trajectory) store(firstErrorCascade(trajectory.trajectory_id, step, steps))
      },
    },
    { keys: 'z', does: 'undo', run: undo },
    {
      keys: '.',
      does: 'repeat the last label here',
      run: () => {
        if (trajectory)
          store(
            lastRows()
              .filter((row) => row.step === (lastRows()[0]?.step ?? -1))
              .map((row) => ({ ...row, trajectory_id: trajectory.trajectory_id, step })),
          )
      },
    },
    {
      keys: 'd',
      does: 'compare with other attempts at this question',
      run: () => {
        if (trajectory)
          navigate(
            hrefs.trajectories({
              dataset: datasetId,
              run: chosen?.kind === 'run' ? chosen.id : null,
              id: trajectory.trajectory_id,
              compare: all
                .filter((one) => one.query_id === trajectory.query_id)
                .slice(0, 16)
                .map((one) => one.trajectory_id)
                .join(','),
            }),
          )
      },
    },
    {
      keys: 'g',
      does: 'ask a judge',
      run: () => {
        setJudgeOpen(true)
      },
    },
    {
      keys: 'shift+T',
      does: 'train on this',
      run: () => {
        navigate(trainOnThis)
      },
    },
    {
      keys: '/',
      does: 'filter the queue',
      run: () => {
        search.current?.focus()
      },
    },
  ])

  const head = (
    <PageHead
      title="Label"
      about="A reward for every step. What you decide wins; rules and judges stand beside it."
      actions={
        <>
          <SourceSelect
            sources={sources}
            chosen={chosen}
            onChange={(patch) => {
              setUrl({ ...patch, id: '', step: 0 }, { push: true })
            }}
          />
          <Button
            onClick={() => {
              setJudgeOpen(true)
            }}
            aria-keyshortcuts="g"
          >
            Ask a judge
          </Button>
          <Button component={Link} href={trainOnThis} aria-keyshortcuts="Shift+T">
            Train on this
          </Button>
        </>
      }
    />
  )
  if (sources.length === 0 && url.id === '') {
    return (
      <>
        {head}
        {loading ? (
          <Loading />
        ) : (
          <EmptyState
            title="Nothing to label yet."
            action={
              <Button component={Link} href={hrefs.data()}>
                Open a file
              </Button>
            }
          >
            Import trajectories, or start the run story: its practice attempts come here with the world’s own labels beside them.
          </EmptyState>
        )}
      </>
    )
  }
  const judgement = (
    <div style={{ display: 'grid', gridTemplateColumns: 'minmax(0, 1fr)', gap: 8 }}>
      {trajectory && (
        <JudgementPanel
          trajectoryId={trajectory.trajectory_id}
          step={step}
          isLastStep={isLastStep}
          labels={labels}
          onStore={store}
          onPoint={desk.point}
          onUndo={undo}
          note={desk.note}
          onNote={desk.setNote}
        />
      )}
      <Text size="xs" c="dimmed" role="status" aria-live="polite" mih={17} px={4} data-testid="label-status">
        {said}
      </Text>
      {error !== null && (
        <ErrorPanel title="The label was not stored." details={error}>
          Everything stored before is still there.
        </ErrorPanel>
      )}
      {trajectory && <Suggestions suggestions={suggestions} onAccept={accept} />}
    </div>
  )
  return (
    <>
      {head}
      <div className={classes.bench}>
        <div className={`${classes.queue ?? ''} ${classes.sticky ?? ''}`}>
          <LabelQueue
            rows={rows}
            all={everyRow}
            selected={selectedId}
            text={url.q}
            show={url.show}
            order={url.order}
            onChange={setUrl}
            onSelect={(id) => {
              setUrl({ id, step: 0 })
            }}
            searchRef={search}
          />
        </div>
        <div className={classes.reading} style={{ minWidth: 0 }}>
          {trajectory ? (
            <Panel title={`Step ${step + 1} of ${steps}`} aside={<StepButtons onStep={goStep} onTrajectory={goTrajectory} />}>
              <TrajectoryReader
                key={trajectory.trajectory_id}
                trajectory={trajectory}
                labels={labels}
                step={step}
                onStep={(to) => {
                  setUrl({ step: to })
                }}
                hideOpinions
                underCurrent={
                  <>
                    <WhatIfStrip
                      trajectoryId={trajectory.trajectory_id}
                      step={step}
                      before={desk.before}
                      after={desk.after}
                      view={view}
                      onView={setView}
                    />
                    {onPhone && <div style={{ padding: 8 }}>{judgement}</div>}
                  </>
                }
              />
            </Panel>
          ) : (alone.error ?? list.error) !== null ? (
            <ErrorPanel title="This trajectory could not be opened." details={alone.error ?? list.error ?? ''} />
          ) : (
            <Loading lines={6} />
          )}
        </div>
        <div className={`${classes.judge ?? ''} ${classes.sticky ?? ''}`}>
          <div style={{ display: 'grid', gridTemplateColumns: 'minmax(0, 1fr)', gap: 8 }}>
            {!onPhone && judgement}
            <AgreementPanel rows={agreement} />
          </div>
        </div>
      </div>
      <JudgeDrawer
        opened={judgeOpen}
        onClose={() => {
          setJudgeOpen(false)
        }}
        datasetId={datasetId}
        current={trajectory?.trajectory_id ?? null}
        shown={rows.map((row) => row.trajectory.trajectory_id)}
        unjudged={unjudged}
      />
    </>
  )
}

function trajectoryLacksJudge(steps: number, labels: LabelState | undefined): boolean {
  const judged = new Set(labels?.opinions.filter((one) => one.annotator_kind === 'LLM').map((one) => one.step))
  return judged.size < steps
}

/** The order rests on labels: what comes first is decided when they are here, or after a second without them. */
function useSettled(listed: boolean, rows: readonly QueueRow[]): boolean {
  const [waited, setWaited] = useState(false)
  useEffect(() => {
    if (!listed) return
    const timer = setTimeout(() => {
      setWaited(true)
    }, 1000)
    return () => {
      clearTimeout(timer)
    }
  }, [listed])
  return listed && (waited || rows.every((row) => row.known))
}

function StepButtons({ onStep, onTrajectory }: { readonly onStep: (by: number) => void; readonly onTrajectory: (by: number) => void }) {
  const one = (label: string, sign: string, keys: string, run: () => void) => (
    <Button size="compact-xs" aria-label={label} title={label} aria-keyshortcuts={keys} onClick={run}>
      {sign}
    </Button>
  )
  return (
    <>
      {one('Previous trajectory', '⇤', 'Shift+K', () => {
        onTrajectory(-1)
      })}
      {one('Previous step', '↑', 'k', () => {
        onStep(-1)
      })}
      {one('Next step', '↓', 'j', () => {
        onStep(1)
      })}
      {one('Next trajectory', '⇥', 'Shift+J', () => {
        onTrajectory(1)
      })}
    </>
  )
}
