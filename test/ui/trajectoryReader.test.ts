import { expect, test } from 'vitest'
import type { Trajectory } from '../../src/records/trajectory'
import { trajectoryOfAnyVersion as trajectorySchema } from '../../src/records/trajectoryV1'
import { alignTrajectories } from '../../src/ui/trajectory/align'
import { sameCall, signatureText } from '../../src/ui/trajectory/callSignature'
import { stepOutcome, timelineBoxes, treeLayout } from '../../src/ui/trajectory/timelineLayout'
import { anyTrajectory, filterTrajectories, toolNames } from '../../src/ui/trajectory/trajectoryFilter'
import { initiallyOpen, parsedObservation, valueRows } from '../../src/ui/trajectory/valueRows'

interface StepInput {
  parent?: number | null
  tool?: string
  args?: Record<string, unknown>
  observation?: string | null
  final?: boolean
  completion?: string
}
function build(id: string, steps: readonly StepInput[], status: 'solved' | 'unsolved' | null = null): Trajectory {
  return trajectorySchema.parse({
    version: 1,
    trajectory_id: id,
    query_id: 'q',
    query: 'What is the weather in Velmora?',
    status,
    steps: steps.map((step, index) => ({
      parent: step.parent === undefined ? (index === 0 ? null : index - 1) : step.parent,
      prompt: '',
      completion: step.completion ?? `${step.tool ?? 'say'} ${JSON.stringify(step.args ?? {})}`,
      call: step.tool === undefined ? null : { name: step.tool, arguments: step.args ?? {} },
      observation: step.observation ?? (step.final ? null : 'fine'),
      is_final: step.final ?? false,
    })),
  })
}

test('signatures shorten long values and compare without regard to key order', () => {
  const call = { name: 'find', arguments: { city: 'Velmora', note: 'x'.repeat(80) } }
  expect(signatureText(call)).toMatch(/^find\(city: "Velmora", note: "x+…\)$/)
  expect(sameCall({ name: 'f', arguments: { a: 1, b: { c: 2, d: 3 } } }, { name: 'f', arguments: { b: { d: 3, c: 2 }, a: 1 } })).toBe(true)
  expect(sameCall({ name: 'f', arguments: { a: 1 } }, { name: 'f', arguments: { a: '1' } })).toBe(false)
  expect(sameCall(null, null)).toBe(true)
})

test('the first divergence is the first step whose call or reply differs', () => {
  const a = build('a', [{ tool: 'x' }, { tool: 'y', args: { city: 'A' } }, { final: true }])
  const b = build('b', [{ tool: 'x' }, { tool: 'y', args: { city: 'B' } }])
  const alignment = alignTrajectories([a, b])
  expect(alignment.firstDivergence).toBe(1)
  expect(alignment.rows.map((row) => row.same)).toEqual([true, false, false])
  expect(alignment.rows[2]?.cells[1]).toBeNull()
  expect(alignTrajectories([a, a]).firstDivergence).toBeNull()
})

test('outcomes follow the world first and the rule of the labels second', () => {
  const first = (step: StepInput) => build('a', [step, { final: true }])
  const truthful = (record: Trajectory, truth: { succeeded: boolean; needed: boolean }): Trajectory => ({
    ...record,
    nodes: record.nodes.map((node) => (node.sampled ? { ...node, truth } : node)),
  })
  const fine = first({ tool: 'x', observation: '{"error": "", "response": "sunny"}' })
  expect(stepOutcome(fine, 0)).toBe('ok')
  expect(stepOutcome(truthful(fine, { succeeded: false, needed: true }), 0)).toBe('failed')
  for (const observation of [
    '{"error": "no such city", "response": ""}',
    '{"status": 403}',
    '<html><title>404 Not Found</title></html>',
    ' ',
  ])
    expect(stepOutcome(first({ tool: 'x', observation }), 0), observation).toBe('failed')
})

test('a call without a reply did not succeed, and a turn that gives up is no answer', () => {
  const last = { tool: 'give_up', final: true }
  expect(stepOutcome(build('a', [{ tool: 'x' }, last]), 1)).toBe('gave-up')
  expect(stepOutcome({ ...build('a', [{ tool: 'x' }, last]), answer: 'seven' }, 1)).toBe('final')
  expect(stepOutcome(build('a', [{ tool: 'x' }, { final: true }]), 1)).toBe('final')
  const unanswered: Trajectory = { ...build('a', [{ tool: 'x', final: true }]), stop_condition: 'budget' }
  expect(stepOutcome(unanswered, 0)).toBe('no-reply')
})

test('timeline boxes fill the width, keep a minimum, and mark what is off the chosen path', () => {
  const record = build('a', [
    { tool: 'x', completion: 'x'.repeat(4000) },
    { tool: 'y', completion: 'y', parent: 0 },
    { tool: 'z', parent: 0 },
    { final: true, parent: 2 },
  ])
  const boxes = timelineBoxes(record, [1, null, 0.5, 0])
  expect(boxes.reduce((sum, box) => sum + box.width, 0)).toBeCloseTo(1, 12)
  expect(Math.min(...boxes.map((box) => box.width))).toBeGreaterThan(0.02)
  expect(boxes.map((box) => box.outcome)).toEqual(['ok', 'pruned', 'ok', 'final'])
  expect(boxes.map((box) => box.reward)).toEqual([1, null, 0.5, 0])
})

test('a search tree gets a lane for every branch and survives bad parents', () => {
  const record = build('a', [{ tool: 'x' }, { tool: 'y', parent: 0 }, { tool: 'z', parent: 0 }, { final: true, parent: 2 }])
  const layout = treeLayout(record)
  expect(layout.isTree).toBe(true)
  expect(layout.lanes).toBe(2)
  expect(layout.depth).toBe(3)
  expect(layout.nodes.filter((node) => node.chosen).map((node) => node.index)).toEqual([0, 2, 3])
  expect(
    treeLayout(
      build('b', [
        { tool: 'x', parent: 5 },
        { tool: 'y', parent: 1 },
      ]),
    ).nodes,
  ).toHaveLength(2)
})

test('filters search calls and observations and combine with facets', () => {
  const a = build('a', [{ tool: 'weather', observation: 'rain in Velmora' }], 'solved')
  const b = build('b', [{ tool: 'money', observation: '{"error":"quota"}' }], 'unsolved')
  const all = [a, b]
  expect(filterTrajectories(all, { ...anyTrajectory, text: 'RAIN velmora' })).toEqual([a])
  expect(filterTrajectories(all, { ...anyTrajectory, outcome: 'failed' })).toEqual([b])
  expect(filterTrajectories(all, { ...anyTrajectory, tool: 'weather', status: 'unsolved' })).toEqual([])
  expect(filterTrajectories(all, { ...anyTrajectory, order: 'status' }).map((one) => one.trajectory_id)).toEqual(['b', 'a'])
  expect(toolNames(all)).toEqual([
    { name: 'money', count: 1 },
    { name: 'weather', count: 1 },
  ])
})

test('value trees open what fits and never follow hostile depth', () => {
  const value = { city: 'Velmora', days: [1, 2, 3], 'a/b~c': null }
  const open = initiallyOpen(value)
  expect(valueRows(value, open).map((row) => [row.path, row.text])).toEqual([
    ['', '{3}'],
    ['/city', '"Velmora"'],
    ['/days', '[3]'],
    ['/days/0', '1'],
    ['/days/1', '2'],
    ['/days/2', '3'],
    ['/a~1b~0c', 'null'],
  ])
  expect(valueRows(value, new Set(['']))).toHaveLength(4)
  let deep: unknown = 'end'
  for (let i = 0; i < 20_000; i++) deep = [deep]
  const everything = new Set(Array.from({ length: 20_000 }, (_, i) => '/0'.repeat(Math.min(i, 300))))
  expect(valueRows(deep, everything).length).toBeLessThanOrEqual(5000)
})

test('an observation is a tree only when it is JSON', () => {
  expect(parsedObservation('{"a": 1}')).toEqual({ a: 1 })
  expect(parsedObservation('{broken')).toBeUndefined()
  expect(parsedObservation('42')).toBeUndefined()
})
