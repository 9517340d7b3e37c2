/** No record, however odd, takes a screen down: generated records through every component that lists or shows them. */
import { MantineProvider } from '@mantine/core'
import { QueryClientProvider } from '@tanstack/react-query'
import { createElement, type ComponentProps, type FunctionComponent, type ReactElement } from 'react'
import { renderToString } from 'react-dom/server'
import { Router } from 'wouter'
import { expect, test } from 'vitest'
import { resolveRewards } from '../../src/annotation/resolver'
import { isAnswerStep } from '../../src/annotation/resolver'
import { stepsOf, type Trajectory } from '../../src/records/trajectory'
import { DatasetCard, PendingCard } from '../../src/ui/dataset/DatasetCard'
import { DatasetProfileView } from '../../src/ui/dataset/DatasetProfileView'
import { ProblemsTable } from '../../src/ui/dataset/ProblemsTable'
import { RowsTable } from '../../src/ui/dataset/RowsTable'
import { Choices } from '../../src/ui/labelling/Choices'
import { JudgementPanel } from '../../src/ui/labelling/JudgementPanel'
import { LabelQueue } from '../../src/ui/labelling/LabelQueue'
import { queueRows } from '../../src/ui/labelling/queueRows'
import { humanJudgement } from '../../src/ui/labelling/reward'
import { agreements, suggestionsFor } from '../../src/ui/labelling/stepSuggestions'
import { AgreementPanel, Suggestions } from '../../src/ui/labelling/Suggestions'
import { Filters } from '../../src/ui/pages/trajectories/Filters'
import { ListPanel } from '../../src/ui/pages/trajectories/ListPanel'
import { trajectoriesUrl } from '../../src/ui/pages/trajectories/trajectoriesUrl'
import { queryClient } from '../../src/ui/queries/client'
import { CompareTrajectories } from '../../src/ui/trajectory/CompareTrajectories'
import { OpinionList } from '../../src/ui/trajectory/OpinionList'
import { SourceSelect } from '../../src/ui/trajectory/SourceSelect'
import { filterTrajectories, anyTrajectory, facetOfTool, toolNames } from '../../src/ui/trajectory/trajectoryFilter'
import { SearchTree } from '../../src/ui/trajectory/Timeline'
import { TrajectoryReader } from '../../src/ui/trajectory/TrajectoryReader'
import type { LabelState } from '../../src/worker/protocol'
import { trajectoryOf } from '../support/builders'
import { oddDataset, oddOpinions, oddTrajectories } from '../support/oddRecords'

const nothing = (): void => undefined
const noSearch = { current: null }
const quiet = (): [string, () => void] => ['/', nothing]

function draw<Props extends object>(component: FunctionComponent<Props>, props: Props): string {
  const of: ReactElement = createElement(component, props)
  const routed = createElement(Router, { hook: quiet, searchHook: () => '', children: of } satisfies ComponentProps<typeof Router>)
  const client = createElement(QueryClientProvider, { client: queryClient }, routed)
  return renderToString(createElement(MantineProvider, null, client))
}

const SEEDS = [14, 15, 16]
interface Sample {
  readonly trajectories: readonly Trajectory[]
  readonly labels: ReadonlyMap<string, LabelState>
}
function sampleOf(seed: number): Sample {
  const trajectories = oddTrajectories(`ds-${seed}`, 60, seed)
  const labels = new Map(
    trajectories.map((one, index) => {
      const opinions = oddOpinions(one, seed + index)
      return [one.trajectory_id, { opinions, resolved: resolveRewards(one, opinions) }]
    }),
  )
  return { trajectories, labels }
}

test.each(SEEDS)('every list and every filter draws odd trajectories (seed %i)', (seed) => {
  const { trajectories, labels } = sampleOf(seed)
  const url = trajectoriesUrl.parse({})
  const reading = {
    ...{
      all: trajectories,
      shown: trajectories,
      isLoading: false,
      selectedId: null,
      selected: null,
      error: null,
      compareIds: [],
      compared: [],
    },
    ...{ labels, place: {}, toggleCompare: nothing, compareSiblings: nothing, trajectoryBy: nothing, stepBy: nothing },
  }
  const rows = queueRows(trajectories, labels, { text: '', show: 'all', order: 'disagreement' })
  const queue = { rows, all: rows, selected: null, text: '', show: 'all', order: 'file', onChange: nothing, onSelect: nothing } as const
  expect(draw(ListPanel, { reading, url, setUrl: nothing, searchRef: noSearch })).toContain('trajectory-row')
  expect(draw(LabelQueue, { ...queue, searchRef: noSearch })).toContain('trajectory-row')
  expect(draw(RowsTable, { trajectories, labels, selected: null, onSelect: nothing })).toContain('trajectory-row')
  expect(draw(DatasetProfileView, { trajectories, labels, datasetId: 'ds' })).toContain('Tools called')
  const chosen = { key: 'dataset:ds', title: '', kind: 'dataset', id: 'ds' } as const
  const sources = trajectories.map(
    (one, index) => ({ key: `run:${index % 7}`, title: one.task.query, kind: 'run', id: String(index) }) as const,
  )
  expect(draw(SourceSelect, { sources: [chosen, ...sources], chosen, onChange: nothing })).toContain('Source of trajectories')
  // Each tool can be chosen, the one without a name too, and finds what called it.
  for (const { name, count } of toolNames(trajectories)) {
    const tool = facetOfTool(name)
    expect(filterTrajectories(trajectories, { ...anyTrajectory, tool }).length, JSON.stringify(name)).toBe(count)
    expect(draw(Filters, { url: { ...url, tool }, trajectories, onChange: nothing, searchRef: noSearch })).toContain('Tool')
  }
})

test.each(SEEDS)('every reader draws odd trajectories (seed %i)', (seed) => {
  const { trajectories, labels } = sampleOf(seed)
  for (const trajectory of trajectories) {
    const state = labels.get(trajectory.trajectory_id) ?? { opinions: [], resolved: [] }
    const drawn = draw(TrajectoryReader, { trajectory, labels: state, step: 99, onStep: nothing })
    expect(drawn.match(/data-testid="step-card"/g)?.length ?? 0).toBe(stepsOf(trajectory).length)
    draw(SearchTree, { trajectory, step: 0, onStep: nothing })
    draw(OpinionList, { opinions: state.opinions, step: 0 })
    draw(Suggestions, { suggestions: suggestionsFor(trajectory, state.opinions, 0, 'me'), onAccept: nothing })
    draw(AgreementPanel, { rows: agreements([{ trajectory, labels: state }]) })
    const { judgement } = humanJudgement(state.opinions, 0, state.opinions[0]?.annotator_id ?? '')
    const isAnswer = isAnswerStep(trajectory, 0)
    draw(Choices, { isAnswer, judgement, onChoose: nothing, onPoint: nothing })
    const panel = { trajectoryId: trajectory.trajectory_id, step: 0, isAnswer, annotator: '', labels: state, note: '' }
    draw(JudgementPanel, { ...panel, onStore: nothing, onPoint: nothing, onUndo: nothing, onNote: nothing })
  }
  for (let at = 0; at < trajectories.length; at += 4) draw(CompareTrajectories, { trajectories: trajectories.slice(at, at + 4), labels })
})

test('arguments of many levels are drawn as such, and nothing else is lost', () => {
  let deep: Record<string, unknown> = {}
  for (let level = 0; level < 50_000; level++) deep = { a: deep }
  const plain = trajectoryOf([{ completion: 'first' }, { completion: 'second' }])
  const nodes = plain.nodes.map((node) =>
    node.sampled ? { ...node, tool_calls: [{ id: 'c', name: 'find', arguments: { x: deep } }] } : node,
  )
  const trajectory = { ...plain, nodes }
  expect(draw(TrajectoryReader, { trajectory, labels: null, step: 0, onStep: nothing })).toContain('too many levels')
  draw(CompareTrajectories, { trajectories: [trajectory, trajectory], labels: new Map() })
})

test.each(SEEDS)('data sets with odd names and problems of a megabyte are drawn bounded (seed %i)', (seed) => {
  const dataset = oddDataset('ds', oddTrajectories('ds', 2, seed), seed)
  const acts = { onOpen: nothing, onExport: nothing, onRemove: nothing }
  expect(draw(DatasetCard, { dataset, title: dataset.format, open: false, ...acts }).length).toBeLessThan(40_000)
  expect(draw(ProblemsTable, { name: dataset.name, problems: dataset.problems }).length).toBeLessThan(80_000)
  const pending = { id: 'import-1', name: 'x'.repeat(5000), bytes: 1, error: 'y'.repeat(1_300_000) }
  expect(draw(PendingCard, { pending, onDismiss: nothing, onCancel: nothing }).length).toBeLessThan(40_000)
})
