/** Results: one query set at a time, its leaderboard, and two of them compared. */
import { Select, Text } from '@mantine/core'
import { useMemo, useState } from 'react'
import classes from '../../evaluation/evaluation.module.css'
import { querySets } from '../../evaluation/leaderboardRows'
import { NewEvaluation } from '../../evaluation/NewEvaluation'
import { useUrlState } from '../../navigation/location'
import { usePageKeys } from '../../navigation/pageKeys'
import { useEvaluations } from '../../queries/evaluations'
import { EmptyState, Loading, PageHead, PrimaryButton } from '../../widgets/Panel'
import { ErrorPanel } from '../../widgets/ProblemList'
import { BudgetSlider } from './BudgetSlider'
import { evaluateUrl } from './evaluateUrl'
import { Results } from './Results'
import { choices } from '../../widgets/choices'
import { nameText } from '../../format'

export default function EvaluatePage() {
  const [url, setUrl] = useUrlState(evaluateUrl)
  const [opened, setOpened] = useState(false)
  const answer = useEvaluations()
  const records = useMemo(() => answer.data ?? [], [answer.data])
  const sets = useMemo(() => querySets(records), [records])
  const set = sets.find((one) => one.key === url.set) ?? sets[0] ?? null
  const inSet = useMemo(
    () =>
      records.filter(
        (one) =>
          set !== null &&
          one.benchmark === set.benchmark &&
          one.split === set.split &&
          (url.strategy === '' || one.strategy === url.strategy),
      ),
    [records, set, url.strategy],
  )
  const strategies = useMemo(() => [...new Set(records.map((one) => one.strategy))], [records])
  usePageKeys([
    {
      keys: 'e',
      does: 'new evaluation',
      run: () => {
        setOpened(true)
      },
    },
  ])

  return (
    <>
      <PageHead
        title="Evaluate"
        about="The same questions, the same budget, the same judge: only then is a number compared with a number."
        actions={
          <PrimaryButton
            onClick={() => {
              setOpened(true)
            }}
          >
            New evaluation
          </PrimaryButton>
        }
      />
      <NewEvaluation
        opened={opened || url.model !== ''}
        preset={{ model: url.model, adapterOf: url.adapter }}
        onClose={() => {
          setOpened(false)
          setUrl({ model: '', adapter: '' })
        }}
      />
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
                setUrl({ set: value ?? '', before: '', after: '', budget: 0 })
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
          {inSet.length > 0 ? <Results records={inSet} url={url} setUrl={setUrl} /> : <Text>No result uses this strategy.</Text>}
        </>
      )}
    </>
  )
}
