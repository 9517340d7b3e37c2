import { stepsOf } from '../../records/trajectory'
import { Button, Text } from '@mantine/core'
import { useMediaQuery } from '@mantine/hooks'
import { useMemo, useRef, useState } from 'react'
import { Link } from 'wouter'
import { z } from 'zod'
import { isAnswerStep } from '../../annotation/resolver'
import type { LabelState, NewOpinion } from '../../worker/protocol'
import { JudgeDrawer } from '../labelling/JudgeDrawer'
import { JudgementPanel } from '../labelling/JudgementPanel'
import { LabelQueue } from '../labelling/LabelQueue'
import classes from '../labelling/labelling.module.css'
import { choiceOfKey, firstErrorCascade, humanJudgement } from '../labelling/reward'
import { StepButtons } from '../labelling/StepButtons'
import { AgreementPanel, Suggestions } from '../labelling/Suggestions'
import { acceptedOpinions, agreements, suggestionsFor, type Suggestion } from '../labelling/stepSuggestions'
import { defaultAdvantageOptions } from '../labelling/useAdvantages'
import { useLabelDesk } from '../labelling/useLabelDesk'
import { useLabelKeys } from '../labelling/useLabelKeys'
import { useAnnotator, useLabelling } from '../labelling/useLabelling'
import { useQueue } from '../labelling/useQueue'
import { WhatIfStrip, type StripView } from '../labelling/WhatIfStrip'
import { hrefs } from '../stores/hrefs'
import { navigate, useUrlState } from '../stores/location'
import { SourceSelect } from '../trajectory/SourceSelect'
import { TrajectoryReader } from '../trajectory/TrajectoryReader'
import { useSources } from '../trajectory/useSources'
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
const COMPARE_MOST = 16

export default function LabelPage() {
  const [url, setUrl] = useUrlState(urlSchema)
  const [judgeOpen, setJudgeOpen] = useState(false)
  const [view, setView] = useState<StripView>({ kind: 'advantages', options: defaultAdvantageOptions })
  const search = useRef<HTMLInputElement>(null)
  const annotator = useAnnotator()
  const onPhone = useMediaQuery('(max-width: 48em)')
  const { sources, chosen, loading } = useSources(url)
  const queue = useQueue(chosen, url)
  const { trajectory } = queue
  const steps = trajectory ? stepsOf(trajectory).length : 0
  const step = Math.max(0, Math.min(url.step, steps - 1))
  const labels = trajectory ? (queue.labels.get(trajectory.trajectory_id) ?? null) : null
  const desk = useLabelDesk(trajectory, labels, step, annotator)
  const { store: keep, undo, lastRows, said, error } = useLabelling(trajectory?.trajectory_id ?? null, labels)
  const suggestions = useMemo(
    () => (trajectory ? suggestionsFor(trajectory, labels?.opinions ?? [], step, annotator) : []),
    [trajectory, labels, step, annotator],
  )
  const agreement = useMemo(
    () =>
      agreements(
        queue.trajectories.flatMap((one) => {
          const state = queue.labels.get(one.trajectory_id)
          return state?.resolved.some((reward) => reward.from === 'HUMAN') ? [{ trajectory: one, labels: state }] : []
        }),
      ),
    [queue.trajectories, queue.labels],
  )
  const unjudged = useMemo(
    () =>
      queue.rows
        .filter((row) => row.known && lacksJudge(row.steps, queue.labels.get(row.trajectory.trajectory_id)))
        .map((row) => row.trajectory.trajectory_id),
    [queue.rows, queue.labels],
  )
  const isAnswer = trajectory !== null && isAnswerStep(trajectory, step)
  const datasetId = chosen?.kind === 'dataset' ? chosen.id : null
  const runId = chosen?.kind === 'run' ? chosen.id : null
  const trainOnThis = datasetId === null ? hrefs.newRun() : hrefs.newRun({ data: datasetId })

  const store = (given: readonly NewOpinion[]): void => {
    // What was pointed at is over once a label is given.
    desk.point(null)
    keep(given)
  }
  const goStep = (by: number): void => {
    setUrl({ step: Math.max(0, Math.min(steps - 1, step + by)) })
  }
  const goTrajectory = (by: number): void => {
    const at = queue.rows.findIndex((row) => row.trajectory.trajectory_id === queue.selectedId)
    const next = queue.rows[Math.max(0, Math.min(queue.rows.length - 1, at + by))]
    if (next) setUrl({ id: next.trajectory.trajectory_id, step: 0 })
  }
  const accept = (suggestion: Suggestion | undefined): void => {
    if (trajectory && suggestion) store(acceptedOpinions(trajectory, step, suggestion))
  }
  useLabelKeys({
    step: goStep,
    trajectory: goTrajectory,
    judge: (key) => {
      const choice = choiceOfKey(key, isAnswer)
      if (!trajectory || !choice) return
      const isGiven = humanJudgement(labels?.opinions ?? [], step, annotator).judgement[choice.name] === choice.value
      if (!isGiven) store([{ trajectory_id: trajectory.trajectory_id, step, ...choice, rationale: desk.note }])
    },
    accept: () => {
      accept(suggestions[0])
    },
    acceptRest: () => {
      if (!trajectory || !labels) return
      store(
        stepsOf(trajectory).flatMap((_, index) => {
          const first = suggestionsFor(trajectory, labels.opinions, index, annotator)[0]
          return index < step || labels.resolved[index]?.from === 'HUMAN' || !first ? [] : acceptedOpinions(trajectory, index, first)
        }),
      )
    },
    firstError: () => {
      if (trajectory)
        store(
          firstErrorCascade(
            trajectory.trajectory_id,
            step,
            stepsOf(trajectory).map((_, index) => isAnswerStep(trajectory, index)),
          ),
        )
    },
    undo,
    repeat: () => {
      const rows = lastRows()
      if (trajectory)
        store(rows.filter((row) => row.step === rows[0]?.step).map((row) => ({ ...row, trajectory_id: trajectory.trajectory_id, step })))
    },
    compare: () => {
      if (!trajectory) return
      const siblings = queue.trajectories.filter((one) => one.task.query_id === trajectory.task.query_id).slice(0, COMPARE_MOST)
      navigate(
        hrefs.trajectories({
          dataset: datasetId,
          run: runId,
          id: trajectory.trajectory_id,
          compare: siblings.map((one) => one.trajectory_id).join(','),
        }),
      )
    },
    askJudge: () => {
      setJudgeOpen(true)
    },
    train: () => {
      navigate(trainOnThis)
    },
    search: () => {
      search.current?.focus()
    },
  })

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
          isAnswer={isAnswer}
          annotator={annotator}
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
            rows={queue.rows}
            all={queue.everyRow}
            selected={queue.selectedId}
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
          ) : queue.error !== null ? (
            <ErrorPanel title="This trajectory could not be opened." details={queue.error} />
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
        shown={queue.rows.map((row) => row.trajectory.trajectory_id)}
        unjudged={unjudged}
      />
    </>
  )
}

function lacksJudge(steps: number, labels: LabelState | undefined): boolean {
  const judged = new Set(labels?.opinions.filter((one) => one.annotator_kind === 'LLM').map((one) => one.step))
  return judged.size < steps
}
