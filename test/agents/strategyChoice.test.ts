/** Settings of strategies as requests give them, and budgets in comparisons. */
import { expect, test } from 'vitest'
import { strategies } from '../../src/agents/strategies'
import type { Strategy } from '../../src/agents/strategies/strategy'
import { chooseStrategy } from '../../src/agents/strategies/strategyChoice'
import { incomparable } from '../../src/cli/resultDirectory'
import { evaluationRecord } from '../../src/records/evaluation'
import { comparisonProblems } from '../../src/ui/evaluation/leaderboardRows'

test('every strategy has a default for every setting, and a line of help', () => {
  for (const [name, { settings }] of Object.entries<Strategy>(strategies)) {
    expect(settings.safeParse({}).success, name).toBe(true)
    for (const [field, schema] of Object.entries(settings.shape))
      expect((schema as { meta(): { help?: string } | undefined }).meta()?.help, `${name} ${field}`).toBeTypeOf('string')
  }
})

test('a choice has all settings and the number of model calls; what is wrong is said with the name of the setting', () => {
  expect(chooseStrategy({ strategy: 'dfsdt', strategySettings: { beam: 3 } })).toMatchObject({
    ok: true,
    value: { strategy: 'dfsdt', strategySettings: { beam: 3, depth: 12, last_result: 'keep' }, modelCalls: 30 },
  })
  expect(chooseStrategy({ strategy: 'cot', maxModelCalls: 9 })).toMatchObject({ value: { strategySettings: { tries: 1 }, modelCalls: 9 } })
  expect(chooseStrategy({ strategy: 'bfs' })).toMatchObject({
    ok: false,
    field: 'strategy',
    message: 'There is no strategy bfs; there is cot, dfsdt, trial.',
  })
  for (const [strategySettings, found] of [
    [{ beam: 0 }, /wrong: beam: .*It has beam, depth/],
    [{ width: 2 }, /width/],
    [{ diversity_seen_by: 'all' }, /diversity_seen_by: /],
  ] as const) {
    const choice = chooseStrategy({ strategy: 'dfsdt', strategySettings })
    expect(choice.ok ? '' : choice.message).toMatch(found)
  }
})

test('results with other limits of model calls are not compared', () => {
  const result = (model_call_budget?: number | null) =>
    evaluationRecord.parse({
      ...{
        version: 1,
        evaluation_id: String(model_call_budget),
        title: '',
        benchmark: 'b',
        split: 'exam',
        strategy: 'cot',
        call_budget: 6,
      },
      ...{ temperature: 0, judge: 'world', prompt_hash: null, world_hash: null, model: { id: 'm', adapter_sha256: null }, seed: 1 },
      ...{ created_at: '', rows: [], ...(model_call_budget === undefined ? {} : { model_call_budget }) },
    })
  // Older results set no limit.
  expect(incomparable(result(), result(null))).toBeNull()
  expect(comparisonProblems(result(), result(null))).toEqual([])
  expect(incomparable(result(null), result(30))).toBe('their model_call_budget differs: none and 30; --max-model-calls sets it')
  expect(comparisonProblems(result(30), result(12))).toEqual(['model calls are limited to 12, not 30'])
})
