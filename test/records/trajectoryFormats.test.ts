/** The table of src/records/trajectoryFormats.md, carried out: a record in the shape of each format and back, nothing lost. */
import { expect, test } from 'vitest'
import { trajectory, type Trajectory, type TrajectoryNode } from '../../src/records/trajectory'
import { everyShape } from './everyShape'

function traceNode({ parent, role, content, reasoning, tool_calls, tool_call_id, sampled, tokens, ...own }: TrajectoryNode) {
  const calls = tool_calls.map(({ id, name, arguments: given, error }) => ({
    id,
    name,
    arguments: JSON.stringify(given),
    ...(error === undefined ? {} : { error }),
  }))
  return {
    ...{ parent, sampled, message: { role, content, reasoning_content: reasoning, tool_calls: calls, tool_call_id } },
    ...{ token_ids: tokens?.ids ?? [], mask: tokens?.mask, logprobs: tokens?.logprobs },
    ...{ advantages: tokens?.advantages, loss_weights: tokens?.loss_weights },
    info: { ...own, hasTokens: tokens !== null, policy_version: tokens?.policy_version },
  }
}
function fromTraceNode({
  parent,
  sampled,
  message,
  info,
  token_ids: ids,
  mask,
  logprobs,
  advantages,
  loss_weights,
}: ReturnType<typeof traceNode>) {
  const { hasTokens, policy_version, ...own } = info
  return {
    ...{ ...own, parent, sampled, role: message.role, content: message.content, reasoning: message.reasoning_content },
    tool_calls: message.tool_calls.map((call) => ({ ...call, arguments: JSON.parse(call.arguments) as unknown })),
    tool_call_id: message.tool_call_id,
    tokens: hasTokens ? { ids, mask, logprobs, advantages, loss_weights, policy_version } : null,
  }
}
function trace({ version, trajectory_id, task, agent, nodes, stop_condition, errors, rewards, metrics, timing, ...own }: Trajectory) {
  const { tools, ...asked } = task
  return {
    ...{ version, id: trajectory_id, task: asked, tools, agent, nodes: nodes.map(traceNode), rewards, metrics, errors, timing },
    ...{ stop_condition, is_completed: stop_condition === 'finish', info: { hone: own } },
  }
}
const fromTrace = ({ id, task, tools, nodes, info, is_completed: _, ...rest }: ReturnType<typeof trace>) =>
  trajectory.parse({ ...rest, ...info.hone, trajectory_id: id, task: { ...task, tools }, nodes: nodes.map(fromTraceNode) })

const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value))

test('verifiers: a Trace and back', () => {
  const sent = plain(trace(everyShape)) as ReturnType<typeof trace>
  expect(Object.keys(sent)).toEqual(
    expect.arrayContaining([
      'version',
      'id',
      'task',
      'agent',
      'tools',
      'nodes',
      'rewards',
      'metrics',
      'stop_condition',
      'errors',
      'timing',
    ]),
  )
  expect(sent.nodes[2]).toMatchObject({
    parent: 1,
    sampled: true,
    token_ids: [6, 7],
    logprobs: [-0.5, -0.25],
    advantages: [0.5, 0.5],
    loss_weights: [1, 0.5],
  })
  expect(fromTrace(sent)).toEqual(everyShape)
})

const SOURCES = { system: 'system', user: 'user', assistant: 'agent' } as const

/** A turn of a tool is a result of the step above it; what ATIF has no place for stands under `extra.hone`. */
function atif(record: Trajectory) {
  const { trajectory_id, nodes, task, agent, metrics, ...own } = record
  const stepOf = new Map<number, number>()
  for (const [index, { role, parent }] of nodes.entries())
    stepOf.set(index, role === 'tool' ? (stepOf.get(parent ?? -1) ?? -1) : new Set(stepOf.values()).size + 1)
  const steps = nodes.flatMap((node, index) => {
    const { role, content, reasoning, tool_calls, tokens, tool_call_id: _, sampled, ...rest } = node
    if (role === 'tool') return []
    const replies = [...nodes.entries()].filter(([at, one]) => one.role === 'tool' && stepOf.get(at) === stepOf.get(index))
    const results = replies.map(([at, { content: said, tool_call_id, role: __, ...more }]) => ({
      ...{ source_call_id: tool_call_id, content: said, extra: { hone: { ...more, at } } },
    }))
    const { ids, logprobs, ...other } = tokens ?? { ids: undefined, logprobs: undefined }
    return [
      {
        ...{
          step_id: stepOf.get(index),
          source: SOURCES[role],
          message: content,
          reasoning_content: reasoning,
          llm_call_count: sampled ? 1 : 0,
        },
        tool_calls: tool_calls.map(({ id, name, arguments: given, ...more }) => ({
          tool_call_id: id,
          function_name: name,
          arguments: given,
          extra: more,
        })),
        observation: { results },
        metrics: { [sampled ? 'completion_token_ids' : 'prompt_token_ids']: ids, logprobs, extra: other },
        extra: { hone: { ...rest, at: index } },
      },
    ]
  })
  const { tools, ...asked } = task
  return {
    ...{ schema_version: 'ATIF-v1.8', session_id: trajectory_id, trajectory_id, steps, final_metrics: { extra: metrics } },
    agent: { name: agent.strategy, version: '2', model_name: agent.model, tool_definitions: tools, extra: { sampling: agent.sampling } },
    extra: { hone: { ...own, task: asked } },
  }
}
function fromAtif({ trajectory_id, steps, agent, final_metrics, extra }: ReturnType<typeof atif>): Trajectory {
  const placed = steps.flatMap(({ source, message, reasoning_content, tool_calls, observation, metrics, extra: more, llm_call_count }) => {
    const { at, ...rest } = more.hone
    const sampled = llm_call_count === 1
    const ids = metrics[sampled ? 'completion_token_ids' : 'prompt_token_ids']
    const node = {
      ...{ ...rest, role: source === 'agent' ? 'assistant' : source, content: message, reasoning: reasoning_content, sampled },
      tool_calls: tool_calls.map((one) => ({ id: one.tool_call_id, name: one.function_name, arguments: one.arguments, ...one.extra })),
      tokens: ids === undefined ? null : { ids, logprobs: metrics.logprobs, ...metrics.extra },
    }
    const replies = observation.results.map(({ source_call_id, content, extra: { hone } }) => {
      const { at: place, ...own } = hone
      return { at: place, node: { ...own, role: 'tool', tool_call_id: source_call_id, content } }
    })
    return [{ at, node }, ...replies]
  })
  return trajectory.parse({
    ...{ ...extra.hone, trajectory_id, task: { ...extra.hone.task, tools: agent.tool_definitions }, metrics: final_metrics.extra },
    agent: { strategy: agent.name, model: agent.model_name, sampling: agent.extra.sampling },
    nodes: placed.sort((a, b) => a.at - b.at).map(({ node }) => node),
  })
}

test('ATIF 1.8: a trajectory and back; steps are numbered without gaps and replies name a call of their own step', () => {
  const sent = plain(atif(everyShape)) as ReturnType<typeof atif>
  expect(sent.steps.map(({ step_id, source }) => [step_id, source])).toEqual([
    [1, 'system'],
    [2, 'user'],
    [3, 'agent'],
    [4, 'agent'],
    [5, 'agent'],
    [6, 'user'],
    [7, 'agent'],
  ])
  for (const { tool_calls, observation } of sent.steps)
    for (const { source_call_id } of observation.results)
      expect(tool_calls.map(({ tool_call_id }) => tool_call_id)).toContain(source_call_id)
  expect(fromAtif(sent)).toEqual(everyShape)
})
