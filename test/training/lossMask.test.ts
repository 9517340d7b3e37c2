/** Which tokens carry loss, against the labels TRL's SFTTrainer prepares for the same conversations. */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { createHfTokenizer } from '../../src/models/tokenizer/hfTokenizer'
import { stepsOf, type Trajectory } from '../../src/records/trajectory'
import { imitatedPositions } from '../../src/training/batches/lossMask'
import { tokenizeTrajectory } from '../../src/training/batches/tokenizedTrajectory'
import { imitationSamples } from '../../src/training/batches/imitationSamples'
import { trajectoryOf } from '../support/builders'

const read = (file: string): unknown => JSON.parse(readFileSync(new URL(`../golden/${file}`, import.meta.url), 'utf8'))
const ids = z.array(z.int())
const { rows } = z
  .object({
    rows: z.array(
      z.object({ turns: z.array(z.object({ prompt: z.string(), completion: z.string() })), ids, all_turns: ids, last_turn: ids }),
    ),
  })
  .parse(read('sft_masks_golden.json'))
const tokenizer = createHfTokenizer(read('tokenizer/qwen.json'))

function told(turns: readonly { readonly prompt: string; readonly completion: string }[], name = 't'): Trajectory {
  return trajectoryOf(turns, { trajectory_id: name, status: 'solved' })
}
const limits = { maxContextLen: 1024, maxResponseLen: 1024 }

describe.each(rows.map((row) => [row.turns.length, row] as const))('a conversation of %i assistant turns', (_, row) => {
  const sequence = tokenizeTrajectory(
    told(row.turns),
    row.turns.map(() => null),
    tokenizer,
    { ...limits, encoding: 'text' },
  )
  it('has TRL’s ids', () => {
    expect(sequence.ids).toEqual(row.ids)
  })
  it('carries loss where TRL’s assistant_only_loss puts it', () => {
    expect(imitatedPositions(sequence, { mask_history: false })).toEqual(row.all_turns)
  })
  it('mask_history: where TRL’s completion_only_loss does, on rows whose completion is the last turn', () => {
    expect(imitatedPositions(sequence, { mask_history: true })).toEqual(row.last_turn)
  })
})

describe('mask_history', () => {
  const samplesOf = (all: readonly Trajectory[], mask_history: boolean) =>
    imitationSamples(
      all.map((one) =>
        tokenizeTrajectory(
          one,
          stepsOf(one).map(() => null),
          tokenizer,
          { ...limits, encoding: 'auto' },
        ),
      ),
      { mask_history },
      1,
    )

  it('leaves a last turn that is empty without loss: an earlier one does not stand in for it', () => {
    const [, , row] = rows
    if (!row) throw new Error('no row')
    const open = told([...row.turns, { prompt: '?', completion: '' }], 'open')
    expect(() => samplesOf([open], true)).toThrow('none of the trajectories has a completion to imitate')
    expect(samplesOf([open], false).sample(0).targets).toEqual(row.all_turns)
    expect(samplesOf([open, told(row.turns)], true)).toMatchObject({ length: 1 })
  })

  it('keeps all ids of a sample', () => {
    const [, row] = rows
    expect(samplesOf([told(row?.turns ?? [])], true).sample(0)).toEqual({ ids: row?.ids, targets: row?.last_turn })
  })
})
