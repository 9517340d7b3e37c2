/** A trajectory with everything the record can hold: several calls in one turn, a user turn in the middle, a pruned branch, budgets. */
import { trajectory, type Trajectory } from '../../src/records/trajectory'

const call = (id: string, of: string) => ({ id, name: 'warm', arguments: { of } })

export const everyShape: Trajectory = trajectory.parse({
  version: 2,
  trajectory_id: 'run-1/q/0',
  task: { query_id: 'q', query: 'How warm are A and B?', split: 'exam', tools: [{ name: 'warm' }] },
  agent: {
    strategy: 'dfsdt',
    model: 'm',
    sampling: { temperature: 0.7, top_p: 0.9, top_k: 40, min_p: 0.01, repetition_penalty: 1.1, max_new_tokens: 64, seed: 5 },
  },
  nodes: [
    { parent: null, role: 'system', content: 'Use tools.', text: '<s>Use tools.', tokens: { ids: [1, 2] } },
    { parent: 0, role: 'user', content: 'How warm are A and B?', text: '<u>How warm are A and B?<a>', tokens: { ids: [3, 4, 5] } },
    {
      ...{ parent: 1, role: 'assistant', sampled: true, reasoning: 'Both at once.', text: 'Both at once. warm(A) warm(B)' },
      tool_calls: [call('c1', 'A'), call('c2', 'B')],
      tokens: { ids: [6, 7], logprobs: [-0.5, -0.25], policy_version: 3, advantages: [0.5, 0.5], loss_weights: [1, 0.5] },
      timing: { started_at: '2026-12-01T00:00:00Z', ended_at: '2026-12-01T00:00:01Z', generation_ms: 900 },
      truth: { succeeded: true, needed: true },
    },
    { parent: 2, role: 'tool', content: '20', tool_call_id: 'c1', timing: { tool_ms: 5 } },
    { parent: 3, role: 'tool', content: '21', tool_call_id: 'c2', text: '<t>20<t>21<a>', tokens: { ids: [8, 9, 10] } },
    {
      ...{ parent: 4, role: 'assistant', sampled: true, text: 'warm(', is_truncated: true, pruned: true },
      tool_calls: [{ id: 'c3', name: 'warm', arguments: {}, error: 'expected ")", found the end' }],
      tokens: { ids: [11], logprobs: [-2], policy_version: 3 },
    },
    {
      ...{ parent: 4, role: 'assistant', sampled: true, content: '20 and 21.', text: '20 and 21.' },
      tokens: { ids: [12, 13], mask: [1, 0], logprobs: [-0.1, 0], policy_version: 3 },
    },
    { parent: 6, role: 'user', content: 'And C?', text: '<u>And C?<a>', tokens: { ids: [14] } },
    {
      ...{ parent: 7, role: 'assistant', sampled: true, content: 'I cannot know.', text: 'I cannot know.', is_final: true },
      tokens: { ids: [15], logprobs: [-0.3], policy_version: 4 },
    },
  ],
  budgets: { calls: 4, model_calls: 6, sampled_tokens: 100, context_tokens: 512 },
  spent: { calls: 2, model_calls: 4, sampled_tokens: 6 },
  stop_condition: 'finish',
  errors: [{ type: 'ToolError', message: 'slow', node: 3 }],
  rewards: { facts: { score: 0.5, weight: 2 } },
  metrics: { turns: 4 },
  timing: { started_at: '2026-12-01T00:00:00Z', ended_at: '2026-12-01T00:00:09Z', total_ms: 9000 },
  ...{ status: 'unsure', answer: 'I cannot know.', sample: 1, pair_id: 'p', source: 'run:run-1', world_hash: 'w' },
})
