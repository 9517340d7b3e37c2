/** Runs over each other: one metric's curves, what differs in their recipes, and how they ended. */
import { Anchor, Checkbox, Select, Stack, Table, Text } from '@mantine/core'
import { useMemo } from 'react'
import { Link } from 'wouter'
import { z } from 'zod'
import { settingsInEffect } from '../../records/run'
import type { AlgorithmDescription, RunDetail } from '../../worker/protocol'
import { LineChart } from '../charts/LineChart'
import { fromOne } from '../charts/series'
import { formatNumber, visibleText } from '../format'
import { useAnswer } from '../stores/answer'
import { hrefs } from '../stores/hrefs'
import { useUrlState } from '../stores/location'
import { usePreferences } from '../stores/preferences'
import { useAlgorithm } from '../stores/studio'
import { metricFor } from '../story/storyModel'
import { methodColour, seriesColour } from '../theme'
import { EmptyState, Loading, PageHead, Panel } from '../widgets/Panel'
import { RateNumber } from '../widgets/RateBar'
import { finalsOf, runHref } from './RunRows'
import { plainValue } from './plainValue'
import { SmoothingSelect } from './SmoothingSelect'
import classes from './train.module.css'

const compareUrl = z.object({ runs: z.string().default(''), metric: z.string().default(''), same: z.string().default('') })

/** Methods keep their colours; runs of the same method are told apart by the others. */
function coloursOf(details: readonly RunDetail[], algorithmOf: (name: string | null) => AlgorithmDescription | null): readonly string[] {
  const methods = details.map((detail) => detail.run.algorithm)
  return new Set(methods).size === methods.length
    ? methods.map((name) => methodColour(algorithmOf(name)))
    : details.map((_, index) => seriesColour(index))
}

/** Titles; those that several runs have are numbered. */
function namesOf(details: readonly RunDetail[]): readonly string[] {
  const titles = details.map(({ run }) => visibleText(run.title))
  return titles.map((title, index) =>
    titles.filter((one) => one === title).length === 1
      ? title
      : `${title} (${titles.slice(0, index + 1).filter((one) => one === title).length})`,
  )
}
const Swatch = ({ colour }: { readonly colour: string | undefined }) => (
  <span aria-hidden="true" className={classes.swatch} style={{ background: colour }} />
)

interface RecipeRow {
  readonly name: string
  readonly values: readonly string[]
  readonly same: boolean
}
function recipeRows(details: readonly RunDetail[]): readonly RecipeRow[] {
  const recipes = details.map(({ run }): Readonly<Record<string, unknown>> => ({
    algorithm: run.algorithm ?? '–',
    model: run.model.id,
    data: run.data.map((row) => row.id).join(', ') || 'online',
    seed: run.seed,
    world: run.world_hash ?? '–',
    ...settingsInEffect(run),
  }))
  const names = [...new Set(recipes.flatMap((recipe) => Object.keys(recipe)))]
  return names.map((name) => {
    const values = recipes.map((recipe) => (name in recipe ? plainValue(recipe[name]) : '–'))
    return { name, values, same: new Set(values).size === 1 }
  })
}

export function CompareRuns() {
  const [url, setUrl] = useUrlState(compareUrl)
  const smoothing = usePreferences((state) => state.smoothing)
  const answer = useAnswer(`compare ${url.runs}`, async (studio) => {
    const replies = await Promise.all(
      url.runs
        .split(',')
        .filter((id) => id !== '')
        .map((id) => studio.runs.get(id)),
    )
    return { details: replies.flatMap((reply) => (reply.ok ? [reply.value] : [])), evaluations: await studio.evaluations.list() }
  })
  const algorithmOf = useAlgorithm()
  const details = useMemo(() => answer.value?.details ?? [], [answer.value])
  const names = useMemo(() => [...new Set(details.flatMap((detail) => Object.keys(detail.metrics.columns)))].sort(), [details])
  const metric = names.includes(url.metric) ? url.metric : metricFor('reward', names)
  const colours = useMemo(() => coloursOf(details, algorithmOf), [details, algorithmOf])
  const runNames = useMemo(() => namesOf(details), [details])
  const series = useMemo(
    () =>
      details.flatMap((detail, index) => {
        const y = metric === null ? undefined : detail.metrics.columns[metric]
        return y ? [{ name: runNames[index] ?? '', x: fromOne(detail.metrics.step), y, colour: colours[index] ?? '' }] : []
      }),
    [details, metric, colours, runNames],
  )
  const rows = useMemo(() => recipeRows(details), [details])
  if (!answer.value) return <Loading label="Loading the runs" lines={5} />
  if (details.length < 2) {
    return (
      <EmptyState
        title="Choose two runs or more."
        action={
          <Anchor component={Link} href={hrefs.train()}>
            To the list of runs
          </Anchor>
        }
      >
        Tick them in the list of runs, then Compare.
      </EmptyState>
    )
  }
  const shown = url.same === '' ? rows.filter((row) => !row.same) : rows
  return (
    <Stack gap={12}>
      <PageHead title="Compare runs" about={`${details.length} runs over each other.`} actions={<SmoothingSelect />} />
      <Panel
        title="Curves"
        aside={
          <Select
            aria-label="Metric"
            searchable
            data={names}
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
      <Panel title="How they ended" flush>
        <Table.ScrollContainer minWidth={480} scrollAreaProps={{ viewportProps: { tabIndex: 0, 'aria-label': 'Finals, scrollable' } }}>
          <Table aria-label="Finals">
            <Table.Thead>
              <Table.Tr>
                <Table.Th>Run</Table.Th>
                <Table.Th ta="right">Steps</Table.Th>
                <Table.Th ta="right">Last {metric ?? 'metric'}</Table.Th>
                <Table.Th ta="right">Exam, last</Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {details.map((detail, index) => {
                const last = metric === null ? undefined : detail.metrics.columns[metric]?.findLast((value) => value !== null)
                const final = finalsOf(detail.run, answer.value?.evaluations ?? []).at(-1)
                return (
                  <Table.Tr key={detail.run.run_id}>
                    <Table.Td>
                      <Swatch colour={colours[index]} />
                      <Anchor component={Link} href={runHref(detail.run)}>
                        {runNames[index]}
                      </Anchor>
                    </Table.Td>
                    <Table.Td ta="right">{detail.run.steps_done}</Table.Td>
                    <Table.Td ta="right">{last === undefined ? '–' : formatNumber(last)}</Table.Td>
                    <Table.Td ta="right">
                      {final ? (
                        <RateNumber
                          rate={final.rate}
                          about={{ set: final.record.split, budget: final.record.call_budget, judge: final.record.judge }}
                        />
                      ) : (
                        '–'
                      )}
                    </Table.Td>
                  </Table.Tr>
                )
              })}
            </Table.Tbody>
          </Table>
        </Table.ScrollContainer>
      </Panel>
      <Panel
        title="Recipes"
        flush
        aside={
          <Checkbox
            label="Differences only"
            checked={url.same === ''}
            onChange={(event) => {
              setUrl({ same: event.currentTarget.checked ? '' : 'shown' })
            }}
          />
        }
      >
        {shown.length === 0 ? (
          <Text p={12} c="dimmed">
            The recipes are the same.
          </Text>
        ) : (
          <Table.ScrollContainer minWidth={480} scrollAreaProps={{ viewportProps: { tabIndex: 0, 'aria-label': 'Recipes, scrollable' } }}>
            <Table aria-label="Recipes">
              <Table.Thead>
                <Table.Tr>
                  <Table.Th>Setting</Table.Th>
                  {details.map((detail, index) => (
                    <Table.Th key={detail.run.run_id}>
                      <Swatch colour={colours[index]} />
                      {runNames[index]}
                    </Table.Th>
                  ))}
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {shown.map((row) => (
                  <Table.Tr key={row.name}>
                    <Table.Td>{row.name}</Table.Td>
                    {row.values.map((value, index) => (
                      <Table.Td key={index} fw={row.same ? 400 : 600}>
                        {visibleText(value)}
                      </Table.Td>
                    ))}
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
          </Table.ScrollContainer>
        )}
      </Panel>
    </Stack>
  )
}
