import { stepsOf } from '../../src/records/trajectory'
import { withSteps } from '../../src/records/trajectoryFromSteps'
import { describe, expect, it } from 'vitest'
import { currentOpinions, OpinionValueError, opinionHistory, opinionRows, undoRow } from '../../src/annotation/opinions'
import { resolveRewards, stepLabels } from '../../src/annotation/resolver'
import type { NewOpinion, Opinion } from '../../src/records/annotation'
import { chain, parts, row } from './builders'

const two = chain(['a', 'b'])
const values = (rows: readonly Opinion[]): (number | null)[] => resolveRewards(two, rows).map(({ value }) => value)
const imported = (step: number, value: number): Opinion =>
  row({ step, name: 'reward', value, annotator_kind: 'CODE', annotator_id: 'imported:a.csv' })
const at = (second: number): string => `2026-01-01T00:00:0${String(second)}.000Z`

describe('resolveRewards', () => {
  it('is null without opinions, which is not 0', () => {
    expect(resolveRewards(two, [])).toEqual(Array.from({ length: 3 }, () => ({ value: null, from: null, annotatorId: null })))
    expect(values([imported(0, 0)])).toEqual([0, null, null])
  })

  it('makes (s + c/5)/2 of success and contribution, and nothing of half a label', () => {
    expect(
      values([
        row({ step: 0, name: 'success', value: 1 }),
        row({ step: 0, name: 'contribution', value: 2 }),
        row({ step: 1, name: 'success', value: 1 }),
      ]),
    ).toEqual([0.7, null, null])
    expect(values([row({ step: 0, name: 'success', value: 0 }), row({ step: 0, name: 'contribution', value: 0 })])[0]).toBe(0)
  })

  it('does not put one person’s success and another’s contribution together', () => {
    expect(
      values([row({ step: 0, name: 'success', value: 1 }), row({ step: 0, name: 'contribution', value: 5, annotator_id: 'Ben' })])[0],
    ).toBeNull()
  })

  it.each([
    [1, 1],
    [0.5, 0.5],
    [0, 0],
  ])('takes status %d for the last step, and only there', (status, reward) => {
    expect(values([row({ step: 2, name: 'status', value: status }), row({ step: 1, name: 'status', value: status })])).toEqual([
      null,
      null,
      reward,
    ])
    expect(values([row({ step: 2, name: 'success', value: 1 }), row({ step: 2, name: 'contribution', value: 5 })])[2]).toBeNull()
  })

  it('averages a judge’s repeats, half success and half contribution over 5', () => {
    const judge = (repeat: number, name: Opinion['name'], value: number, step = 0): Opinion =>
      row({ step, name, value, repeat, annotator_kind: 'LLM', annotator_id: 'm', prompt_hash: 'h' })
    const rows = [
      judge(0, 'success', 1),
      judge(1, 'success', 1),
      judge(2, 'success', 0),
      judge(0, 'contribution', 5),
      judge(1, 'contribution', 4),
      judge(2, 'contribution', 0),
    ]
    expect(values(rows)[0]).toBeCloseTo((2 / 3 + 3 / 5) / 2, 12)
    expect(values([judge(0, 'status', 1, 2), judge(1, 'status', 0.5, 2), judge(2, 'status', 1, 2)])[2]).toBeCloseTo(5 / 6, 12)
    expect(resolveRewards(two, rows)[0]).toMatchObject({ from: 'LLM', annotatorId: 'm' })
  })

  it('lets a person win over imported, world, judge and rules, even when they speak later', () => {
    const later = { created_at: at(9) }
    const rows = [
      row({ step: 0, name: 'reward', value: 0.1 }),
      { ...imported(0, 0.2), ...later },
      row({ step: 0, name: 'reward', value: 0.3, annotator_kind: 'CODE', annotator_id: 'world', ...later }),
      row({ step: 0, name: 'reward', value: 0.4, annotator_kind: 'LLM', annotator_id: 'm', prompt_hash: 'h', ...later }),
      row({ step: 0, name: 'reward', value: 0.5, annotator_kind: 'CODE', annotator_id: 'rules:steptool-sound', ...later }),
    ]
    for (let without = 0; without < rows.length; without++) expect(values(rows.slice(without))[0]).toBe((without + 1) / 10)
    expect(resolveRewards(two, rows, ['judge', 'human'])[0]).toEqual({ value: 0.4, from: 'LLM', annotatorId: 'm' })
    expect(stepLabels(two, rows, 0).map(({ source, value }) => [source, value])).toEqual([
      ['human', 0.1],
      ['imported', 0.2],
      ['world', 0.3],
      ['judge', 0.4],
      ['rules', 0.5],
    ])
  })

  it('takes the newest of several people, and of one person’s several ways', () => {
    const older = row({ step: 0, name: 'reward', value: 0.2, created_at: at(1) })
    expect(values([row({ step: 0, name: 'reward', value: 0.9, annotator_id: 'Ben', created_at: at(2) }), older])[0]).toBe(0.9)
    expect(
      values([
        older,
        row({ step: 0, name: 'success', value: 1, created_at: at(2) }),
        row({ step: 0, name: 'contribution', value: 5, created_at: at(3) }),
      ])[0],
    ).toBe(1)
  })

  it('treats every final step of a tree as an answer', () => {
    const tree = withSteps(chain(['a']), [...stepsOf(chain(['a'])), ...stepsOf(chain([]))])
    expect(
      resolveRewards(tree, [row({ step: 1, name: 'status', value: 1 }), row({ step: 2, name: 'status', value: 0 })]).map(
        ({ value }) => value,
      ),
    ).toEqual([null, 1, 0])
  })
})

describe('rows are added, replaced and taken back', () => {
  const ada = { kind: 'HUMAN', id: 'Ada' } as const

  function desk() {
    const rows: Opinion[] = [imported(0, 0.2)]
    const made = parts()
    return {
      rows,
      say: (news: Omit<NewOpinion, 'trajectory_id' | 'step'>) => {
        const added = opinionRows([{ trajectory_id: 't-1', step: 0, ...news }], ada, rows, made)
        rows.push(...added)
        return added[0]?.opinion_id ?? ''
      },
      undo: (id: string) => {
        const result = undoRow(id, rows, made)
        if (result.ok) rows.push(result.row)
        return result
      },
      value: () => values(rows)[0],
    }
  }

  it('supersedes one’s own row, not another’s', () => {
    const { rows, say, value } = desk()
    const first = say({ name: 'reward', value: 0.5 })
    say({ name: 'reward', value: 0.6 })
    expect(rows.map(({ supersedes }) => supersedes)).toEqual([null, null, first])
    expect(value()).toBe(0.6)
    expect(opinionHistory(rows, 0).map(({ row: each, isCurrent }) => [each.value, isCurrent])).toEqual([
      [0.2, true],
      [0.5, false],
      [0.6, true],
    ])
  })

  it('withdraws with null: the imported reward stands again', () => {
    const { say, value, rows } = desk()
    say({ name: 'reward', value: 0.5 })
    say({ name: 'reward', value: null })
    expect(value()).toBe(0.2)
    expect(rows).toHaveLength(3)
    expect(currentOpinions(rows)).toHaveLength(1)
  })

  it('undoes step by step, back to before the first word, and can go on after', () => {
    const { say, undo, value, rows } = desk()
    const [a, b, c] = [say({ name: 'reward', value: 0.5 }), say({ name: 'reward', value: 0.6 }), say({ name: 'reward', value: 0.7 })]
    expect(undo(a)).toEqual({ ok: false, code: 'not-newest', message: 'This label was changed since; undo the newer one first.' })
    undo(c)
    expect(value()).toBe(0.6)
    expect(undo(c)).toMatchObject({ ok: false, code: 'not-newest' })
    undo(b)
    expect(value()).toBe(0.5)
    undo(a)
    expect(value()).toBe(0.2)
    const d = say({ name: 'reward', value: 0.9 })
    expect(value()).toBe(0.9)
    undo(d)
    expect(value()).toBe(0.2)
    expect(rows).toHaveLength(9)
    expect(opinionHistory(rows, 0).filter(({ isUndo }) => isUndo)).toHaveLength(4)
  })

  it('says that an unknown row cannot be undone', () => {
    expect(desk().undo('nothing')).toEqual({ ok: false, code: 'not-found', message: 'No opinion nothing is stored for this trajectory.' })
  })

  it.each<[Opinion['name'], number, string]>([
    ['success', 0.5, 'Expected a success of 0 or 1, found 0.5.'],
    ['contribution', 6, 'Expected a contribution of 0 to 5, found 6.'],
    ['status', 0.4, 'Expected a status of 0, 0.5 or 1, found 0.4.'],
    ['reward', Number.NaN, 'Expected a reward of 0 to 1, found NaN.'],
  ])('refuses a %s of %d', (name, value, message) => {
    expect(() => desk().say({ name, value })).toThrow(new OpinionValueError(message))
  })
})
