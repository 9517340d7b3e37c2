/** Labelling: the queue, the trajectory, the judgement. A reward for every step, two seconds each. */
import { Button } from '@mantine/core'
import { useMediaQuery } from '@mantine/hooks'
import { useMemo, useRef, useState } from 'react'
import { Link } from 'wouter'
import type { LabelState } from '../../../worker/protocol'
import { JudgeDrawer } from '../../labelling/JudgeDrawer'
import classes from '../../labelling/labelling.module.css'
import { LabelQueue } from '../../labelling/LabelQueue'
import { AgreementPanel } from '../../labelling/Suggestions'
import { useLabelKeys } from '../../labelling/useLabelKeys'
import { hrefs } from '../../navigation/hrefs'
import { navigate, useUrlState } from '../../navigation/location'
import { useSources } from '../../trajectory/useSources'
import { EmptyState, Loading } from '../../widgets/Panel'
import { HeldOutNote } from './HeldOutNote'
import { JudgementColumn } from './JudgementColumn'
import { LabelHead } from './LabelHead'
import { LabelReader } from './LabelReader'
import { labelUrl } from './labelUrl'
import { useLabelledSource } from './useLabelledSource'
import { useLabelPage, type LabelPageState } from './useLabelPage'

const COMPARE_MOST = 16

export default function LabelPage() {
  const [url, setUrl] = useUrlState(labelUrl)
  const [judgeOpen, setJudgeOpen] = useState(false)
  const search = useRef<HTMLInputElement>(null)
  const onPhone = useMediaQuery('(max-width: 48em)')
  const { sources, chosen, isLoading } = useSources(url)
  const state = useLabelPage(chosen, url, setUrl)
  const { queue, actions } = state
  const { trajectory } = queue
  const labelled = useLabelledSource(chosen)
  const askJudge = (): void => {
    setJudgeOpen(true)
  }
  useLabelKeys({
    ...actions,
    compare: () => {
      if (!trajectory) return
      const siblings = queue.trajectories.filter((one) => one.task.query_id === trajectory.task.query_id).slice(0, COMPARE_MOST)
      const compare = siblings.map((one) => one.trajectory_id).join(',')
      navigate(hrefs.trajectories({ ...labelled.place, id: trajectory.trajectory_id, compare }))
    },
    askJudge,
    train: () => {
      if (labelled.trainHref !== null) navigate(labelled.trainHref)
    },
    search: () => {
      search.current?.focus()
    },
  })
  const head = (
    <LabelHead
      sources={sources}
      chosen={chosen}
      labelled={labelled}
      onSource={(patch) => {
        setUrl({ ...patch, id: '', step: 0 }, { push: true })
      }}
      onAskJudge={askJudge}
    />
  )
  if (sources.length === 0 && url.id === '')
    return (
      <>
        {head}
        {isLoading ? <Loading /> : <NothingToLabel />}
      </>
    )
  const judgement = <JudgementColumn state={state} />
  return (
    <>
      {head}
      {trajectory && <HeldOutNote trajectory={trajectory} />}
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
          <LabelReader
            state={state}
            onStep={(step) => {
              setUrl({ step })
            }}
            underStep={onPhone && <div style={{ padding: 8 }}>{judgement}</div>}
          />
        </div>
        <div className={`${classes.judge ?? ''} ${classes.sticky ?? ''}`}>
          <div style={{ display: 'grid', gridTemplateColumns: 'minmax(0, 1fr)', gap: 8 }}>
            {!onPhone && judgement}
            <AgreementPanel rows={state.agreement} />
          </div>
        </div>
      </div>
      <Judge
        state={state}
        datasetId={chosen?.id ?? null}
        opened={judgeOpen}
        onClose={() => {
          setJudgeOpen(false)
        }}
      />
    </>
  )
}

interface JudgeProps {
  readonly state: LabelPageState
  readonly datasetId: string | null
  readonly opened: boolean
  readonly onClose: () => void
}

/** The drawer of the judge, with the trajectories it may be asked about. */
function Judge({ state: { queue }, ...drawer }: JudgeProps) {
  const { rows, labels, trajectory } = queue
  const shown = useMemo(() => rows.map((row) => row.trajectory.trajectory_id), [rows])
  const unjudged = useMemo(
    () =>
      rows
        .filter((row) => row.known && lacksJudge(row.steps, labels.get(row.trajectory.trajectory_id)))
        .map((row) => row.trajectory.trajectory_id),
    [rows, labels],
  )
  return <JudgeDrawer {...drawer} current={trajectory?.trajectory_id ?? null} shown={shown} unjudged={unjudged} />
}

function lacksJudge(steps: number, labels: LabelState | undefined): boolean {
  const judged = new Set(labels?.opinions.filter((one) => one.annotator_kind === 'LLM').map((one) => one.step))
  return judged.size < steps
}

function NothingToLabel() {
  return (
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
  )
}
