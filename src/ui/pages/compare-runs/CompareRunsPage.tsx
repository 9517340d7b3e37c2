/** Runs over each other: one metric's curves, how they ended, and what differs in their recipes. */
import { counted } from '../../format'
import { Anchor, Select, Stack } from '@mantine/core'
import { useMemo } from 'react'
import { Link } from 'wouter'
import { z } from 'zod'
import { LineChart } from '../../charts/LineChart'
import { fromOne } from '../../charts/series'
import { hrefs } from '../../navigation/hrefs'
import { useUrlState } from '../../navigation/location'
import { usePreferences } from '../../stores/preferences'
import { metricFor } from '../../story/storyModel'
import { SmoothingSelect } from '../../train/SmoothingSelect'
import { EmptyState, Loading, PageHead, Panel } from '../../widgets/Panel'
import { ErrorPanel } from '../../widgets/ProblemList'
import { Finals } from './Finals'
import { Recipes } from './Recipes'
import { useComparedRuns } from './useComparedRuns'
import { choices } from '../../widgets/choices'

const compareUrl = z.object({ runs: z.string().default(''), metric: z.string().default(''), same: z.string().default('') })

export default function CompareRunsPage() {
  const [url, setUrl] = useUrlState(compareUrl)
  const smoothing = usePreferences((state) => state.smoothing)
  const { compared, isLoading, error } = useComparedRuns(url.runs)
  const { details, names, colours } = compared
  const metrics = useMemo(() => [...new Set(details.flatMap((detail) => Object.keys(detail.metrics.columns)))].sort(), [details])
  const metric = metrics.includes(url.metric) ? url.metric : metricFor('reward', metrics)
  const series = useMemo(
    () =>
      details.flatMap((detail, index) => {
        const y = metric === null ? undefined : detail.metrics.columns[metric]
        return y ? [{ name: names[index] ?? '', x: fromOne(detail.metrics.step), y, colour: colours[index] ?? '' }] : []
      }),
    [details, metric, colours, names],
  )
  if (error !== null) return <ErrorPanel title="The runs could not be read." details={error} />
  if (isLoading) return <Loading label="Loading the runs" lines={5} />
  if (details.length < 2) return <ChooseRuns />
  return (
    <Stack gap={12}>
      <PageHead title="Compare runs" about={`${counted(details.length, 'run')} over each other.`} actions={<SmoothingSelect />} />
      <Panel
        title="Curves"
        aside={
          <Select
            aria-label="Metric"
            searchable
            data={choices(metrics.map((name) => ({ value: name, label: name })))}
            value={metric}
            onChange={(value) => {
              setUrl({ metric: value ?? '' })
            }}
          />
        }
      >
        <LineChart
          title={metric ?? 'No metric'}
          meaning={metric === null ? '' : (details[0]?.metricMeanings[metric] ?? '')}
          series={series}
          height={280}
          smoothing={smoothing}
          scales
          testId="chart-compare"
        />
      </Panel>
      <Finals {...compared} metric={metric} />
      <Recipes
        {...compared}
        isOnlyDifferences={url.same === ''}
        onOnlyDifferences={(isOnly) => {
          setUrl({ same: isOnly ? '' : 'shown' })
        }}
      />
    </Stack>
  )
}

function ChooseRuns() {
  return (
    <EmptyState
      title="Choose two runs or more."
      action={
        <Anchor component={Link} href={hrefs.train()}>
          To the list of runs
        </Anchor>
      }
    >
      Tick them in the list of runs, then press Compare.
    </EmptyState>
  )
}
