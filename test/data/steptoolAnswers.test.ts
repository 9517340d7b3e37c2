/** StepTool's answer files and converted answers: read, written again as they were, and converted as the original converts them. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { answerFile } from '../../src/data/answers/answerFile'
import { convertAnswer, convertedAnswer, type ConvertedNode } from '../../src/data/answers/convertAnswer'
import { trajectoryOfAnswer } from '../../src/data/answers/readAnswer'
import { trajectoryOfConverted } from '../../src/data/answers/readConverted'
import { answerOfTrajectory, answerText } from '../../src/data/answers/writeAnswer'
import { importDataset } from '../../src/data/importDataset'
import { chosenPath, stepsOf } from '../../src/records/trajectory'
import { trajectoryOf } from '../support/builders'
import { answeredChain, answeredSearch, functions, givenUpSearch, stoppedChain } from './answerFiles'

const importText = (name: string, text: string) =>
  importDataset(
    {
      name,
      bytes: (async function* () {
        yield new TextEncoder().encode(text)
      })(),
    },
    { now: () => '2026-01-01T00:00:00Z' },
  )

const read = (file: unknown, name: string) => trajectoryOfAnswer(answerFile.parse(file), name)
const rolesOf = (details: readonly ConvertedNode[]): unknown[] =>
  details.flatMap(({ role, message, next }) => [typeof message === 'string' ? role : message.name, ...rolesOf(next)])

describe('an answer file', () => {
  it.each([
    ['a chain that answers', answeredChain, '7_CoT@1.json'],
    ['tries that stop', stoppedChain, '7_CoT@2.json'],
    ['a search that answers', answeredSearch, '7_DFS_woFilter_w2.json'],
    ['a search that gives up', givenUpSearch, '7_DFS_woFilter_w2.json'],
  ])('with %s becomes a trajectory, and is written again as it was', (_, file, name) => {
    const written = answerOfTrajectory(read(file, name))
    expect(written.name).toBe(name)
    expect(written.file).toEqual(file)
    expect(JSON.parse(answerText(written))).toEqual(file)
    expect(answerText(written)).toMatch(/^\{\n {2}"win": /)
  })

  it('is a tree of turns: thoughts, calls with their replies, the answer, and what was given up', () => {
    const trajectory = read(answeredSearch, 'set/7_DFS_woFilter_w2.json')
    const steps = stepsOf(trajectory)
    expect(
      steps.map(({ parent, thought, call, observation, pruned, is_final }) => [parent, thought, call?.name, observation, pruned, is_final]),
    ).toEqual([
      [null, 'I look.', 'current_weather_for_sky_watch', '{"error": "", "response": {"temperature": 4.5}}', false, false],
      [0, 'No way.', 'Finish', null, true, false],
      [0, 'Now I know.', 'Finish', null, false, true],
    ])
    expect(chosenPath(trajectory).map(({ index }) => index)).toEqual([0, 2])
    expect(trajectory).toMatchObject({
      ...{ answer: '4.5 degrees, the “warm” kind', status: null, stop_condition: 'finish' },
      task: {
        query_id: '7',
        query: 'How warm is Oslo now?',
        tools: [{ name: 'current_weather_for_sky_watch', schema: { required: ['city'] } }],
      },
    })
    expect(steps[0]?.prompt).toMatch(
      /^System:\nUse the tools\.\nSpecifically, you have access to the following APIs: \[\{'type': 'function', /,
    )
    expect(steps[2]?.completion).toMatch(/^Thought: Now I know\.\nAction: Finish\nAction Input: \{\n/)
    const stopped = read(stoppedChain, '7_CoT@2.json')
    expect(stopped).toMatchObject({ answer: null, status: 'unsolved', stop_condition: 'budget' })
    expect(stepsOf(stopped)[0]?.call?.error).toMatch(/^expected arguments as a JSON object, found /)
  })

  it('is recognised by its content and imported; one that is malformed is one clear problem', async () => {
    for (const file of [answeredChain, stoppedChain, answeredSearch, givenUpSearch]) {
      const { dataset, trajectories } = await importText('7_DFS_woFilter_w2.json', JSON.stringify(file, null, 2))
      expect([dataset.format, trajectories.length, dataset.problems]).toEqual(['steptoolAnswer', 1, []])
    }
    const broken = { ...answeredChain, answer_generation: { ...answeredChain.answer_generation, query: 7 } }
    expect((await importText('7_CoT@1.json', JSON.stringify(broken))).problems.map(({ message }) => message)).toEqual([
      '7_CoT@1.json, row 1, column answer_generation.query: expected string, found "7". This row was left out.',
      expect.stringContaining('expected at least one row that can be read'),
    ])
    const cut = await importText('7_CoT@1.json', JSON.stringify(answeredChain).slice(0, 900))
    expect(cut.problems[0]?.message).toMatch(/^7_CoT@1\.json, row 1: expected a JSON object, found .*This row was left out\.$/)
  })

  it('is written for attempts of our own: a chain, tries, a tree, an answer in plain words', () => {
    const call = { name: 'look', arguments: { city: 'Oslo' } }
    const own = trajectoryOf(
      [
        { thought: 'I look.', call, observation: '{"error": "", "response": 1}' },
        { content: 'It is 1.', completion: 'It is 1.' },
      ],
      {
        ...{ query_id: '12', query: 'How warm?', answer: 'It is 1.', status: 'unsure' },
      },
    )
    const written = answerOfTrajectory(own)
    expect(written.name).toBe('12_CoT@1.json')
    const file = answerFile.parse(JSON.parse(answerText(written)))
    expect(file.answer_generation).toMatchObject({
      ...{ valid_data: true, final_answer: '{"return_type": "give_answer", "final_answer": "It is 1."}', query_count: 2 },
    })
    expect(rolesOf(convertAnswer(file, written).answer.answer_details)).toEqual(['system', 'user', 'look', 'Finish'])
    const again = trajectoryOfAnswer(file, written.name)
    expect(stepsOf(again).map(({ thought, calls }) => [thought, calls.map(({ name, arguments: given }) => [name, given])])).toEqual([
      ['I look.', [['look', { city: 'Oslo' }]]],
      ['', [['Finish', { return_type: 'give_answer', final_answer: 'It is 1.' }]]],
    ])
    const twoCalls = trajectoryOf(
      [
        { calls: [call, { ...call, arguments: { city: 'Rome' } }], replies: [{ content: 'a' }, { content: 'b' }] },
        { content: 'c', completion: 'c' },
      ],
      { answer: 'c' },
    )
    const both = answerFile.parse(answerOfTrajectory(twoCalls).file)
    expect(JSON.stringify(convertAnswer(both, { queryId: 'q', method: '' }).answer.answer_details)).toMatch(
      /"response":"a".*"response":"b"/,
    )
    expect(stepsOf(trajectoryOfAnswer(both, 'q_CoT@1.json'))[0]?.replies.map(({ content }) => content)).toEqual(['a', 'b'])
    const branched = trajectoryOf([{ call }, { parent: 0, call, pruned: true }, { parent: 0, call }], { query_id: '3' })
    expect(answerOfTrajectory(branched).name).toBe('3_DFS_woFilter_w2.json')
    expect(answerOfTrajectory(trajectoryOf([{ call }, { parent: null, call }])).name).toBe('q_CoT@2.json')
  })
})

describe('converted answers', () => {
  const convert = (file: unknown, queryId = '7', method = 'CoT@1') => convertAnswer(answerFile.parse(file), { queryId, method })

  it('have one path up to Finish; the thought beside a call is left out', () => {
    expect(convert(answeredChain)).toMatchObject({
      ...{ query: 'How warm is Oslo now?', available_tools: functions },
      answer: { method: 'CoT@1', total_steps: 5, final_answer: answeredChain.answer_generation.final_answer },
    })
    expect(rolesOf(convert(answeredChain).answer.answer_details)).toEqual([
      'system',
      'user',
      'current_weather_for_sky_watch',
      'assistant',
      'Finish',
    ])
    expect(rolesOf(convert(answeredSearch).answer.answer_details)).toEqual(['system', 'user', 'current_weather_for_sky_watch', 'Finish'])
    expect(convert(givenUpSearch).answer.final_answer).toBe('{"return_type": "give_up_and_restart"}')
  })

  it('draw a try, or a walk down the tree, by the id of the query alone', () => {
    const lengths = new Set(Array.from({ length: 20 }, (_, id) => convert(stoppedChain, String(id)).answer.total_steps))
    expect([...lengths].sort()).toEqual([4, 6])
    const lost = { ...answeredSearch, answer_generation: { ...answeredSearch.answer_generation, valid_data: false } }
    const walks = Array.from({ length: 20 }, (_, id) => JSON.stringify(convert(lost, String(id))))
    expect(new Set(walks).size).toBe(2)
    expect(JSON.stringify(convert(lost, '5'))).toBe(walks[5])
  })

  it('are read into trajectories, and these are converted to the same again', async () => {
    const all = Object.fromEntries(
      (
        [
          [answeredChain, 'CoT@1'],
          [answeredSearch, 'DFS_woFilter_w2'],
          [givenUpSearch, 'DFS_woFilter_w2'],
        ] as const
      ).map(([file, method], at) => [String(at + 1), convert(file, String(at + 1), method)]),
    )
    const imported = await importText('G1_instruction.json', JSON.stringify(all))
    expect([imported.dataset.format, imported.dataset.problems, imported.trajectories.length]).toEqual(['convertedAnswers', [], 3])
    for (const [queryId, one] of Object.entries(all)) {
      const { file, method } = answerOfTrajectory(trajectoryOfConverted(one, queryId, ''))
      expect(convertAnswer(answerFile.parse(file), { queryId, method })).toEqual(one)
    }
    const broken = await importText(
      'x.json',
      JSON.stringify({ ...all, 9: { query: 'q', available_tools: [], answer: { total_steps: 'two' } } }),
    )
    expect(broken.problems.map(({ message }) => message)).toEqual([
      'x.json, row 4, column 9.answer.total_steps: expected number, found "\\"two\\"". This row was left out; the others were kept.',
    ])
    expect(broken.trajectories).toHaveLength(3)
  })
})

const released = new URL('../../../shared/data/', import.meta.url)
const present = existsSync(new URL('stabletoolbench/answer', released))
describe.skipIf(!present)(`the released answers${present ? '' : ' (skipped: ../shared/data/stabletoolbench is not there)'}`, () => {
  const jsonOf = (path: string): unknown => JSON.parse(readFileSync(new URL(path, released), 'utf8'))
  const answers = present
    ? readdirSync(new URL('stabletoolbench/answer', released)).flatMap((model) => {
        const folder = `stabletoolbench/answer/${model}/G1_instruction`
        return readdirSync(new URL(folder, released)).map((name) => ({ model, name, path: `${folder}/${name}` }))
      })
    : []

  it.each(answers)('$path is read, and written again as it was', ({ name, path }) => {
    expect(JSON.parse(answerText(answerOfTrajectory(read(jsonOf(path), name))))).toEqual(jsonOf(path))
  })

  it.each(answers)('$path is converted as the release converted it', ({ model, name, path }) => {
    const converted = jsonOf(`stabletoolbench/model_predictions_converted/${model}/G1_instruction.json`) as Record<string, unknown>
    const [queryId = '', ...rest] = name.replace('.json', '').split('_')
    const method = rest.join('_')
    expect(convertAnswer(answerFile.parse(jsonOf(path)), { queryId, method })).toEqual(converted[queryId])
    const again = answerFile.parse(answerOfTrajectory(read(jsonOf(path), name)).file)
    expect(convertAnswer(again, { queryId, method })).toEqual(converted[queryId])
  })

  it.each(['steptool/data/model_predictions_converted/qwen2/G123_example.json'])('%s is read, and converted to the same again', (path) => {
    const all = jsonOf(path) as Record<string, unknown>
    expect(Object.keys(all)).toHaveLength(5)
    for (const [queryId, value] of Object.entries(all)) {
      const trajectory = trajectoryOfConverted(convertedAnswer.parse(value), queryId, '')
      const { file, method } = answerOfTrajectory(trajectory)
      expect(convertAnswer(answerFile.parse(file), { queryId, method })).toEqual(value)
    }
  })
})
