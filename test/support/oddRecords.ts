/** Records as strangers' files and models at high temperatures make them: valid by their schemas, and odd in every other way. */
import fc from 'fast-check'
import { opinion, type Opinion } from '../../src/records/annotation'
import type { DatasetRow } from '../../src/records/dataset'
import { stepsOf, type Trajectory } from '../../src/records/trajectory'
import { trajectoryFromSteps, type StepInput } from '../../src/records/trajectoryFromSteps'

const ODD_TEXTS = [
  ...['', ' ', '\n', '"', '""', 'a,b', '__proto__', 'constructor', 'NaN', 'null', '%', '%E0%A4%A', '#/label?id=x', '</script>'],
  ...['\u001b[31mred\u001b[0m', '\u009b31m', '\u202egnp.exe', '\u2066a\u2069', '\u0000', '\ufeffbom', '\ud800', '👩‍👩‍👧', 'e\u0301'],
  ...['<img src=x onerror=alert(1)>', '{{x}}', 'x'.repeat(5000), 'wide '.repeat(2000), '\u{E0041}\u{E0042}'],
]
const oddText = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...ODD_TEXTS) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 40 }) },
  { weight: 1, arbitrary: fc.constantFrom('search', 'search', 'lookup') },
)
const oddValue = fc.oneof(oddText, fc.jsonValue({ maxDepth: 3 }), fc.constantFrom(1e308, -0, 5e-324, 2 ** 53, true, null))
const call = fc.record(
  { name: oddText, arguments: fc.dictionary(oddText, oddValue, { maxKeys: 4 }), error: oddText },
  { requiredKeys: ['name', 'arguments'] },
)
const oddStep = fc.record({
  parent: fc.nat(6),
  prompt: oddText,
  completion: oddText,
  thought: oddText,
  call: fc.option(call),
  observation: fc.option(
    fc.oneof(
      oddText,
      oddValue.map((value) => JSON.stringify(value)),
      fc.constantFrom('{"error": "', '[[[[', '{}'),
    ),
  ),
  is_final: fc.boolean(),
  is_truncated: fc.boolean(),
  pruned: fc.boolean(),
  truth: fc.option(fc.record({ succeeded: fc.boolean(), needed: fc.boolean() })),
})
const tool = fc.record({
  name: oddText,
  category: oddText,
  description: oddText,
  parameters: fc.array(fc.record({ name: oddText, type: oddText, description: oddText, required: fc.boolean() }), { maxLength: 3 }),
})

const oddTrajectory = fc
  .record({
    id: oddText,
    task: fc.record({ query_id: oddText, query: oddText, split: oddText, tools: fc.array(tool, { maxLength: 3 }) }),
    steps: fc.array(oddStep, { maxLength: 6 }),
    status: fc.option(fc.constantFrom('solved', 'unsure', 'unsolved')),
    stop_condition: fc.constantFrom('finish', 'budget', 'length', 'error', 'cancelled'),
    answer: fc.option(oddText),
    source: oddText,
    strategy: oddText,
  })
  .map(({ steps, strategy, ...fields }) => ({
    ...fields,
    agent: { strategy },
    steps: steps.map(({ parent, ...step }, at): StepInput => ({
      ...step,
      parent: at === 0 || parent === 6 ? null : Math.min(parent, at - 1),
    })),
  }))

/** Trajectories of one owner. Their ids begin with a number, because a list holds each id once. */
export function oddTrajectories(owner: string, count: number, seed: number): Trajectory[] {
  return fc
    .sample(oddTrajectory, { numRuns: count, seed })
    .map(({ id, ...fields }, index) => trajectoryFromSteps({ ...fields, trajectory_id: `${owner}/${index}-${id.slice(0, 300)}` }))
}

const oddOpinion = fc.record({
  step: fc.nat(8),
  name: fc.constantFrom('success', 'contribution', 'status', 'reward'),
  value: fc.option(fc.constantFrom(0, 1)),
  rationale: oddText,
  annotator_kind: fc.constantFrom('HUMAN', 'LLM', 'CODE'),
  annotator_id: oddText,
  repeat: fc.nat(3),
})

/** Opinions about a trajectory, some on steps it does not have. */
export function oddOpinions({ trajectory_id }: Pick<Trajectory, 'trajectory_id'>, seed: number): Opinion[] {
  return fc.sample(oddOpinion, { numRuns: 6, seed }).map((fields, index) =>
    opinion.parse({
      version: 1,
      opinion_id: `${trajectory_id}/o${index}`,
      trajectory_id,
      created_at: `2026-01-0${index + 1}`,
      ...fields,
    }),
  )
}

export function oddDataset(dataset_id: string, trajectories: readonly Trajectory[], seed: number): DatasetRow {
  const [name = '', format = '', found = '', column = ''] = fc.sample(oddText, { numRuns: 4, seed })
  const problem = { file: name, row: 2, column, expected: 'a row', found, message: 'long '.repeat(260_000) }
  return {
    ...{ dataset_id, name, format, sha256: '', bytes: 1, rows: trajectories.length, trajectories: trajectories.length },
    steps: trajectories.reduce((sum, one) => sum + stepsOf(one).length, 0),
    problems: [problem, { ...problem, row: null, column: null }],
    created_at: 'no date',
  }
}
