/** Results: one query set at a time, its leaderboard, and two of them compared. */
import { Button, Select, Text } from '@mantine/core'
import { useMemo, useState } from 'react'
import classes from '../../evaluation/evaluation.module.css'
import { querySets, setKey } from '../../evaluation/leaderboardRows'
import { NewEvaluation } from '../../evaluation/NewEvaluation'
import { useUrlState } from '../../navigation/location'
import { usePageKeys } from '../../navigation/pageKeys'
import { useEvaluations } from '../../queries/evaluations'
import { useRuns } from '../../queries/runs'
import { EmptyState, Loading, PageHead, Panel, PrimaryButton } from '../../widgets/Panel'
import { ErrorPanel } from '../../widgets/ProblemList'
import { BudgetSlider } from './BudgetSlider'
import type { EvaluationRecord } from '../../../records/evaluation'
import { evaluateUrl, type EvaluateUrl } from './evaluateUrl'
import { PublishedResults } from './PublishedResults'
import { Results } from './Results'
import { choices } from '../../widgets/choices'
import { nameText } from '../../format'

const NONE: readonly string[] = []

export default function EvaluatePage() {
  const [url, setUrl] = useUrlState(evaluateUrl)
  const [opened, setOpened] = useState(false)
  const open = (): void => {
    setOpened(true)
  }
  usePageKeys([{ keys: 'e', does: 'new evaluation', run: open }])
  return (
    <>
      <PageHead
        title="Evaluate"
        about="The same questions, the same budget, the same judge: only then is a number compared with a number."
        actions={<PrimaryButton onClick={open}>New evaluation</PrimaryButton>}
      />
      <NewEvaluation
        opened={opened || url.model !== ''}
        preset={{ model: url.model, adapterOf: url.adapter }}
        onClose={() => {
          setOpened(false)
          setUrl({ model: '', adapter: '' })
        }}
      />
      {url.tab === 'published' ? (
        <Panel
          title="Published"
          aside={
            <Button
              size="compact-xs"
              onClick={() => {
                setUrl({ tab: 'paired' })
              }}
            >
              Your own results
            </Button>
          }
        >
          <PublishedResults />
        </Panel>
      ) : (
        <OwnResults url={url} setUrl={setUrl} />
      )}
    </>
  )
}

interface Chosen {
  readonly sets: ReturnType<typeof querySets>
  readonly set: ReturnType<typeof querySets>[number] | null
  readonly inSet: readonly EvaluationRecord[]
  /** The exams of the run that the address names. */
  readonly ofRun: readonly string[]
}

/** The query set the address names, else that of the run it names, else the newest; and its results. */
function useChosen(records: readonly EvaluationRecord[], url: EvaluateUrl): Chosen {
  const sets = useMemo(() => querySets(records), [records])
  const ofRun = useRuns().data?.find((run) => run.run_id === url.run)?.evaluations ?? NONE
  const lastOfRun = records.find((one) => one.evaluation_id === ofRun.at(-1))
  const set = sets.find((one) => one.key === url.set) ?? sets.find((one) => lastOfRun && one.key === setKey(lastOfRun)) ?? sets[0] ?? null
  const inSet = useMemo(
    () => records.filter((one) => set !== null && setKey(one) === set.key && (url.strategy === '' || one.strategy === url.strategy)),
    [records, set, url.strategy],
  )
  return { sets, set, inSet, ofRun }
}

interface OwnResultsProps {
  readonly url: EvaluateUrl
  readonly setUrl: (patch: Partial<EvaluateUrl>) => void
}

function OwnResults({ url, setUrl }: OwnResultsProps) {
  const answer = useEvaluations()
  const records = useMemo(() => answer.data ?? [], [answer.data])
  const { sets, set, inSet, ofRun } = useChosen(records, url)
  const strategies = useMemo(() => [...new Set(records.map((one) => one.strategy))], [records])
  return (
    <>
      {answer.error !== null && <ErrorPanel title="The results could not be read." details={answer.error} />}
      {answer.isLoading && <Loading lines={5} />}
      {answer.data && sets.length === 0 && (
        <EmptyState title="No results yet.">Start an evaluation, or the run story on Home: its two exams appear here.</EmptyState>
      )}
      {set !== null && (
        <>
          <div className={classes.controls}>
            <Select
              label="Query set"
              value={set.key}
              data={choices(sets.map((one) => ({ value: one.key, label: `${nameText(one.key)} (${one.count})` })))}
              w={240}
              onChange={(value) => {
                setUrl({ set: value ?? '', run: '', before: '', after: '', budget: 0 })
              }}
            />
            <Select
              label="Strategy"
              value={url.strategy}
              data={choices([{ value: '', label: 'All strategies' }, ...strategies.map((one) => ({ value: one, label: one }))])}
              w={160}
              onChange={(value) => {
                setUrl({ strategy: value ?? '' })
              }}
            />
            <BudgetSlider
              records={inSet}
              value={url.budget}
              onChange={(budget) => {
                setUrl({ budget })
              }}
            />
          </div>
          {inSet.length > 0 ? (
            <Results records={inSet} ofRun={ofRun} url={url} setUrl={setUrl} />
          ) : (
            <Text>No result uses this strategy.</Text>
          )}
        </>
      )}
    </>
  )
}
