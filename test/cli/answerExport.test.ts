/** `hone import` and `hone export` of answer files: attempts go out as StepTool's evaluation reads them, and come back. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { exportFiles } from '../../src/cli/commands/export'
import { importFiles } from '../../src/cli/commands/import'
import { answeredChain, answeredSearch, givenUpSearch } from '../data/answerFiles'
import { run, temporaryDirectory, testContext } from './commandContext'

const { context, said } = testContext()
const folder = temporaryDirectory()
const fileOf = (name: string, content: unknown): string => {
  const path = join(folder, name)
  writeFileSync(path, JSON.stringify(content))
  return path
}
const chain = fileOf('7_CoT@1.json', answeredChain)
const search = fileOf('8_DFS_woFilter_w2.json', answeredSearch)
const jsonOf = (path: string): unknown => JSON.parse(readFileSync(path, 'utf8'))

test('answer files go out as they came in, in the folder of their set', async () => {
  const out = join(folder, 'answers')
  const result = await run(exportFiles, ['--to', 'steptool-answers', chain, search, '--out', out, '--set', 'G1_instruction'], context)
  const files = ['7_CoT@1.json', '8_DFS_woFilter_w2.json'].map((name) => join(out, 'G1_instruction', name))
  expect(result).toEqual({ files, trajectories: 2, skipped: [] })
  expect(files.map(jsonOf)).toEqual([answeredChain, answeredSearch])
})

test('converted answers are one file, which is imported again', async () => {
  const out = join(folder, 'G1_instruction.json')
  const again = fileOf('7_DFS_woFilter_w2.json', givenUpSearch)
  const result = await run(exportFiles, ['--to', 'converted', chain, search, again, '--out', out], context)
  expect(result).toMatchObject({
    files: [out],
    trajectories: 2,
    skipped: [{}],
  })
  expect(said.join('\n')).toMatch(/was left out: Another attempt at query 7 has the name 7_DFS_woFilter_w2\.json/)
  expect(jsonOf(out)).toMatchObject({
    7: { answer: { method: 'CoT@1', total_steps: 5 } },
    8: { answer: { method: 'DFS_woFilter_w2', total_steps: 4 } },
  })
  expect(await run(importFiles, [out, chain], context)).toMatchObject({
    files: [
      { format: 'convertedAnswers', trajectories: 2, warnings: [] },
      { format: 'steptoolAnswer', trajectories: 1, warnings: [] },
    ],
  })
})

test('names of sets and queries that are no names of files are refused', async () => {
  const words = ['--to', 'steptool-answers', chain, '--out', folder]
  await expect(run(exportFiles, [...words, '--set', '../up'], context)).rejects.toThrow('--set: expected a name of letters, digits')
  const odd = fileOf('converted.json', { '../7': { query: 'q', available_tools: [], answer: { total_steps: 2, answer_details: [] } } })
  await expect(run(exportFiles, ['--to', 'steptool-answers', odd, '--out', folder], context)).rejects.toThrow('No answer could be written:')
})
