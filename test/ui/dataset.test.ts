import { expect, test } from 'vitest'
import { csvCell, problemsCsv } from '../../src/ui/dataset/datasetText'
import { datasetProfile } from '../../src/ui/dataset/profile'
import { batchSummary, tokenRoles, tokenRuns } from '../../src/ui/dataset/tokenRoles'
import type { TokenPreview } from '../../src/worker/protocol'
import { trajectoryOf } from '../support/builders'

test('roles are read across token boundaries, whatever the template', () => {
  const chatml = ['<|im_start|>', 'system', '\n', 'Be brief.', '<|im_end|>', '\n', '<|im_start|>assistant\n', 'call()', '<|im_end|>']
  expect(tokenRoles({ text: chatml, mask: [0, 0, 0, 0, 0, 0, 0, 1, 1] })).toEqual([
    'marker',
    'marker',
    'marker',
    'system',
    'marker',
    'marker',
    'marker',
    'assistant',
    'assistant',
  ])
  const llama3 = ['<|start_header', '_id|>', 'user', '<|end_header_id|>', '\n\n', 'Hi']
  expect(tokenRoles({ text: llama3, mask: [0, 0, 0, 0, 0, 0] })).toEqual(['marker', 'marker', 'marker', 'marker', 'marker', 'user'])
  const plain = ['System:', '\nUse tools.', '\nUser:', '\nHello', '\nFunction:', '\n{"a":1}', '\nAssistant:', '\n', 'ok']
  expect(tokenRoles({ text: plain, mask: [0, 0, 0, 0, 0, 0, 0, 0, 0] }).filter((role) => role !== 'marker')).toEqual([
    'system',
    'user',
    'tool',
    'assistant',
  ])
})

const preview: TokenPreview = {
  trajectory_id: 't',
  ids: [1, 2, 3, 4],
  text: ['<|im_start|>user\n', 'Hi', 'a', 'b'],
  mask: [0, 0, 1, 0],
  step: [-1, -1, 0, 1],
  truncatedTokens: 7,
  truncatedSteps: [1],
  notTrainedSteps: [1, 2],
}

test('runs follow steps and mark those that are not trained', () => {
  expect(tokenRuns(preview).map((run) => [run.step, run.notTrained, run.tokens.length])).toEqual([
    [-1, false, 2],
    [0, false, 1],
    [1, true, 1],
  ])
  expect(batchSummary([preview])).toEqual({ tokens: 4, trained: 1, truncatedTokens: 7, steps: 3, notTrained: [1, 2] })
})

test('the profile finds duplicates and steps without a call', () => {
  const make = (id: string) =>
    trajectoryOf([{ prompt: 'p', completion: 'x', call: { name: 'f', arguments: {} } }, { completion: 'done' }], { trajectory_id: id })
  const profile = datasetProfile([make('a'), make('b')])
  expect(profile.duplicates).toEqual([['a', 'b']])
  expect(profile.withoutCall).toBe(2)
  expect(profile.tools).toEqual([{ name: 'f', count: 2 }])
  expect(profile.stepCharacters).toEqual([1, 4, 1, 4])
  expect(profile.promptCharacters).toEqual([1, 1])
})

test('exported problems are never formulas', () => {
  expect(csvCell('=HYPERLINK("x")')).toBe(`"'=HYPERLINK(""x"")"`)
  const problem = { file: 'a.csv', row: 3, column: 'reward', expected: 'a list', found: 'x', message: 'Not a list.' }
  expect(problemsCsv([problem])).toBe('file,row,column,expected,found,message\na.csv,3,reward,a list,x,Not a list.\n')
})
