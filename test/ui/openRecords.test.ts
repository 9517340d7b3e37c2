/** What a page that stopped can say of itself: the records its address opens, with their titles where an answer has them. */
import { QueryClient } from '@tanstack/react-query'
import { expect, test } from 'vitest'
import { hrefs } from '../../src/ui/navigation/hrefs'
import { listOf, openRecords } from '../../src/ui/navigation/openRecords'
import { keys } from '../../src/ui/queries/keys'
import { titleOf } from '../../src/ui/queries/recordTitles'
import { startText } from '../../src/ui/train/startChoices'
import { aDataset, aRun, trajectoryOf } from '../support/builders'

const odd = 'run/ä%2F 1'

test('every address that opens records names them', () => {
  expect(openRecords(hrefs.run(odd))).toEqual([{ kind: 'Run', id: odd }])
  expect(openRecords(hrefs.story('run-1', { after: 'eval-1' }))).toEqual([
    { kind: 'Run', id: 'run-1' },
    { kind: 'Evaluation', id: 'eval-1' },
  ])
  expect(openRecords(hrefs.compareRuns(['run-1', 'run-2'])).map(({ id }) => id)).toEqual(['run-1', 'run-2'])
  expect(openRecords(hrefs.trajectory('run-1/before-q', { run: 'run-1', step: 3 }))).toEqual([
    { kind: 'Trajectory', id: 'run-1/before-q' },
    { kind: 'Run', id: 'run-1' },
  ])
  const start = startText({ kind: 'imported', adapter_id: 'a-1' })
  expect(openRecords(hrefs.newRun({ data: 'ds-1,run:run-1', from: 'run-1', model: 'm', start }))).toEqual([
    { kind: 'Run', id: 'run-1' },
    { kind: 'Data set', id: 'ds-1' },
    { kind: 'Adapter', id: 'a-1' },
    { kind: 'Model', id: 'm' },
  ])
  for (const address of [hrefs.home(), hrefs.train(), hrefs.settings(), hrefs.data({ tab: 'rows' }), '/train/run/%'])
    expect(openRecords(address).filter(({ id }) => id !== '%')).toEqual([])
  expect([hrefs.run('r'), hrefs.story('r'), hrefs.label('t', { dataset: 'd' }), hrefs.newRun({ from: 'r' })].map(listOf)).toEqual([
    '/train',
    '/',
    '/label',
    '/train',
  ])
})

test('titles come from any answer that holds the record, also beside damaged rows', () => {
  const client = new QueryClient()
  client.setQueryData([...keys.runs, 'studio 1'], [{ run_id: 'run-0', title: 7 }, aRun('run-1', 'The first run')])
  client.setQueryData([...keys.run('run-2'), 'studio 1'], { run: aRun('run-2', 'The second run'), metrics: null })
  client.setQueryData([...keys.datasets, 'studio 1'], [{ ...aDataset('ds-1'), name: 'rows.csv' }])
  const query = trajectoryOf([{ completion: 'x' }])
  client.setQueryData([...keys.trajectories('ds-1'), 'studio 1'], [{ ...query, trajectory_id: 't-1', nodes: null }])
  expect(titleOf({ kind: 'Run', id: 'run-1' }, client)).toBe('The first run')
  expect(titleOf({ kind: 'Run', id: 'run-2' }, client)).toBe('The second run')
  expect(titleOf({ kind: 'Data set', id: 'ds-1' }, client)).toBe('rows.csv')
  expect(titleOf({ kind: 'Trajectory', id: 't-1' }, client)).toBe(query.task.query)
  for (const id of ['run-0', 'run-9']) expect(titleOf({ kind: 'Run', id }, client)).toBeNull()
  expect(titleOf({ kind: 'Tool', id: 'search' }, client)).toBeNull()
})
