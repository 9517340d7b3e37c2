/** All multi-turn items of the benchmark, judged with the classes of the user's own wheel, against the verdicts of the package's own checker. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openFileTree } from '../../src/cli/node/fileTree'
import { openNodePython } from '../../src/cli/node/pythonSandbox'
import { readMultiTurnData, type MultiTurnData } from '../../src/environments/bfclMultiTurn/items'
import { openMultiTurnJudge, type MultiTurnJudge, type MultiTurnVerdict } from '../../src/environments/bfclMultiTurn/judge'
import { answerOf, changedAnswers } from '../support/bfclAnswers'
import { findBfclWheel } from '../support/bfclWheel'
import { openPythonPage } from '../support/pythonPage'
import { projectRoot } from '../support/sources'

const wheel = findBfclWheel()

describe.skipIf(wheel === null)('with the wheel of bfcl-eval (HONE_BFCL_WHEEL names it)', () => {
  let data: MultiTurnData
  let judge: MultiTurnJudge
  beforeAll(async () => {
    data = await readMultiTurnData(await openFileTree(wheel ?? ''))
    judge = await openMultiTurnJudge(openNodePython, data)
  }, 120_000)
  afterAll(() => judge.close())

  it('the right calls of all 800 items are valid', async () => {
    expect(data.items).toHaveLength(800)
    const invalid: string[] = []
    for (const item of data.items) {
      const { valid, error } = await judge.judge(
        item,
        item.rightCalls.map((calls) => [calls]),
      )
      if (!valid) invalid.push(`${item.id}: ${error.type} ${error.message}`)
    }
    expect(invalid).toEqual([])
  })

  it('200 changed answers get the verdict of the package’s own checker, and its kind of error', async () => {
    const changed = changedAnswers(readFileSync(join(projectRoot, 'test/golden/bfcl_multi_turn_golden.jsonl'), 'utf8'))
    expect(changed).toHaveLength(200)
    expect(changed.filter(({ valid }) => valid).length).toBeGreaterThan(50)
    const items = new Map(data.items.map((item) => [item.id, item]))
    const different: string[] = []
    for (const row of changed) {
      const item = items.get(row.id)
      if (!item) throw new Error(`${row.id} is no item.`)
      const found = await judge.judge(item, answerOf(item, row))
      if (found.valid !== row.valid || (found.error?.type ?? null) !== row.error_type)
        different.push(`${row.id}: expected ${row.error_type ?? 'valid'}, found ${found.error?.type ?? 'valid'}`)
    }
    expect(different).toEqual([])
  })

  it('and the same in Chromium: every right call, and every verdict on a changed answer', async () => {
    const app = await openPythonPage({ 'bfcl.whl': wheel ?? '' })
    try {
      const changed = changedAnswers(readFileSync(join(projectRoot, 'test/golden/bfcl_multi_turn_golden.jsonl'), 'utf8'))
      const found = await app.page.evaluate<{ right: MultiTurnVerdict[]; changed: MultiTurnVerdict[] }>(
        `pythonPage.judge('bfcl.whl', ${JSON.stringify(changed)})`,
      )
      expect(found.right.filter(({ valid }) => valid)).toHaveLength(800)
      expect(found.changed.map(({ valid, error }) => [valid, error?.type ?? null])).toEqual(
        changed.map(({ valid, error_type }) => [valid, error_type]),
      )
    } finally {
      await app.close()
    }
  })
})
