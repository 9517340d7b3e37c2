import { createNewId } from '../../src/base/id'
import { opinion, type Opinion } from '../../src/records/annotation'
import type { Trajectory } from '../../src/records/trajectory'
import { trajectoryFromSteps } from '../../src/records/trajectoryFromSteps'
import type { RowParts } from '../../src/annotation/opinions'

/** Ids and times that follow one another, a second apart. */
export function parts(): RowParts {
  let second = 0
  return {
    newId: createNewId({ now: () => second, random: () => 0.5 }),
    now: () => new Date(Date.UTC(2026, 0, 1) + 1000 * ++second).toISOString(),
  }
}

/** A chain of calls with these replies, then Finish. */
export function chain(replies: readonly string[], more: Partial<Trajectory> = {}): Trajectory {
  const calls = replies.map((observation, index) => ({
    parent: index === 0 ? null : index - 1,
    prompt: '',
    completion: `Action: tool_${String(index)}\nAction Input: {"n": ${String(index)}}<|im_end|>\n`,
    call: { name: `tool_${String(index)}`, arguments: { n: index } },
    observation,
  }))
  const finish = {
    parent: replies.length === 0 ? null : replies.length - 1,
    prompt: '',
    completion: 'Action: Finish\nAction Input: {"final_answer": "It is 7 km to Tolvik."}<|im_end|>\n',
    call: { name: 'Finish', arguments: { final_answer: 'It is 7 km to Tolvik.' } },
    is_final: true,
  }
  const made = trajectoryFromSteps({
    trajectory_id: 't-1',
    task: { query_id: 'q-1', query: 'How far is Tolvik?' },
    steps: [...calls, finish],
    answer: 'It is 7 km to Tolvik.',
  })
  return { ...made, ...more }
}

let made = 0
export function row(values: Partial<Opinion> & Pick<Opinion, 'step' | 'name' | 'value'>): Opinion {
  made += 1
  return opinion.parse({
    version: 1,
    opinion_id: `r-${String(made)}`,
    trajectory_id: 't-1',
    annotator_kind: 'HUMAN',
    annotator_id: 'Ada',
    created_at: '2026-01-01T00:00:00.000Z',
    ...values,
  })
}
