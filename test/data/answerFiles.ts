/** Answer files of our own, in StepTool's formats: a chain that answers, one that stops, a search that answers, a search that gives up. */
import { ANSWERED, finishFunction, GAVE_UP } from '../../src/records/toolbench'

type Fields = Record<string, unknown>

const weatherFunction = {
  name: 'current_weather_for_sky_watch',
  description: 'This is the subfunction for tool "sky_watch", you can use this tool.',
  parameters: {
    type: 'object',
    properties: {
      city: { type: 'string', description: 'Name of the city', example_value: 'Oslo' },
      units: { type: 'string', description: '' },
    },
    required: ['', 'city'],
    optional: ['', 'units'],
  },
}
export const functions = [weatherFunction, finishFunction].map((one) => ({ type: 'function', function: one }))

const query = 'How warm is Oslo now?'
const system = 'Use the tools.'
const opening = [
  { role: 'system', content: system },
  { role: 'user', content: `\n${query}\nBegin!\n` },
]
const OSLO = '{"city":  "Oslo"}'
const REPLY = '{"error": "", "response": {"temperature": 4.5}}'
const ANSWER = '{\n  "return_type": "give_answer",\n  "final_answer": "4.5 degrees, the “warm” kind"\n}'
const GIVE_UP = '{"return_type": "give_up_and_restart"}'

const node = (depth: number, node_type: string, description: string, more: Fields = {}): Fields => ({
  ...{ is_terminal: false, pruned: false, finished: false, depth, node_type, description, Elo: 1000 },
  ...more,
  ...{ child_count: more['child_count'] ?? 1, expand_num: more['expand_num'] ?? 0 },
  ...(node_type === 'Action Input' ? { io_state: {} } : {}),
})

const asks = (thought: string, name: string, args: string): Fields => ({
  role: 'assistant',
  content: thought,
  tool_calls: [{ id: 0, function: { name, arguments: args }, type: 'function' }],
})
const replies = (content: string, name = weatherFunction.name): Fields => ({ role: 'tool', name, content, tool_call_id: 0 })

const chain = [
  node(1, 'Thought', ''),
  node(2, 'Action', weatherFunction.name),
  node(3, 'Action Input', OSLO, { observation: REPLY, observation_code: 0 }),
  node(4, 'Thought', 'I should say it.'),
  node(5, 'Thought', 'Now I know.'),
  node(6, 'Action', 'Finish'),
  node(7, 'Action Input', ANSWER, { observation: ANSWERED, observation_code: 3, child_count: 0 }),
]
const said = [
  ...opening,
  asks('', weatherFunction.name, OSLO),
  replies(REPLY),
  { role: 'assistant', content: 'I should say it.' },
  asks('Now I know.', 'Finish', ANSWER),
]

/** A thought of its own, and an empty one. */
export const answeredChain = {
  ...{ win: true, try_count: 1, trys: [{ chain, win: false }], compare_candidates: [chain] },
  forward_args: { single_chain_max_step: 12, pass_at: 1, answer: 1 },
  answer_generation: {
    ...{ valid_data: true, final_answer: ANSWER, function: functions, query_count: 3, total_tokens: 1200 },
    train_messages: [said.slice(0, 3), said.slice(0, 5), said.slice(0, 6)],
    ...{ chain: [], query },
  },
}

const UNKNOWN = '{"error": "No such function name: weather", "response": ""}'
const stopped = [
  node(1, 'Thought', 'I look.'),
  node(2, 'Action', 'weather'),
  node(3, 'Action Input', 'not json', { observation: UNKNOWN, observation_code: 1 }),
  node(4, 'Thought', 'Again.'),
  node(5, 'Action', weatherFunction.name),
  node(6, 'Action Input', '{}', { pruned: true, observation: '{"error": "odd", "response": ""}', observation_code: 11, child_count: 0 }),
]
export const stoppedChain = {
  ...{
    win: false,
    try_count: 2,
    trys: [
      { chain: stopped, win: false },
      { chain: stopped.slice(3).map((one, at) => ({ ...one, depth: at + 1 })), win: false },
    ],
  },
  ...{ compare_candidates: [], forward_args: { single_chain_max_step: 6, pass_at: 2, answer: 1 } },
  answer_generation: {
    ...{ valid_data: false, final_answer: '', function: functions, query_count: 3, total_tokens: 99 },
    ...{ train_messages: [], chain: [], query },
  },
}

/** A tree from nodes that name their children. */
const tree = (top: Fields, children: readonly Fields[]): Fields => ({ ...top, child_count: children.length, children })

const DIVERSE = 'You tried this before: be different.'
const gaveUp = (depth: number, expand_num: number): Fields =>
  tree(node(depth, 'Thought', 'No way.'), [
    tree(node(depth + 1, 'Action', 'Finish'), [
      tree(node(depth + 2, 'Action Input', GIVE_UP, { pruned: true, observation: GAVE_UP, observation_code: 4, expand_num }), []),
    ]),
  ])
const looked = (children: readonly Fields[], finished: boolean): Fields =>
  tree(node(1, 'Thought', 'I look.', { finished }), [
    tree(node(2, 'Action', weatherFunction.name, { finished }), [
      tree(node(3, 'Action Input', OSLO, { finished, observation: REPLY, observation_code: 0, expand_num: 1 }), children),
    ]),
  ])
const answered = [
  node(4, 'Thought', 'Now I know.', { finished: true }),
  node(5, 'Action', 'Finish', { finished: true }),
  node(6, 'Action Input', ANSWER, { finished: true, observation: ANSWERED, observation_code: 3, expand_num: 3, child_count: 0 }),
]
const [a, b, c] = answered as [Fields, Fields, Fields]
const foundTree = looked([gaveUp(4, 2), tree(a, [tree(b, [tree(c, [])])])], true)
const way = (top: Fields): Fields[] => {
  const { children, ...own } = top
  return [own, ...((children as Fields[])[0] ? way((children as Fields[])[0] as Fields) : [])]
}
const lookedAt = way(foundTree).slice(0, 3)
const searched = [
  ...opening,
  asks('I look.', weatherFunction.name, OSLO),
  replies(REPLY),
  { role: 'user', content: DIVERSE, valid: false },
  asks('Now I know.', 'Finish', ANSWER),
]
const searchArgs = { single_chain_max_step: 12, tree_beam_size: 2, max_query_count: 30, answer: 1, with_filter: false }
const root = (children: readonly Fields[], finished = false): Fields => tree(node(0, 'Action Input', '', { finished }), children)

export const answeredSearch = {
  ...{
    win: true,
    tree: { size: 10, max_length: 7, tree: root([foundTree], true) },
    forward_args: searchArgs,
    compare_candidates: [[...lookedAt, ...answered]],
  },
  answer_generation: {
    ...{
      valid_data: true,
      query_count: 4,
      total_tokens: 2000,
      final_answer: ANSWER,
      finish_type: 'give_answer',
      function: functions,
      chain: [],
    },
    ...{ train_messages: [searched.slice(0, 3), searched], query },
  },
}

const gone = [...opening, asks('I look.', weatherFunction.name, OSLO), replies(REPLY), asks('No way.', 'Finish', GIVE_UP)]
export const givenUpSearch = {
  ...{
    win: false,
    tree: { size: 7, max_length: 7, tree: root([looked([gaveUp(4, 2)], false)]) },
    forward_args: searchArgs,
    compare_candidates: [],
  },
  answer_generation: {
    ...{
      valid_data: true,
      query_count: 3,
      total_tokens: 2000,
      final_answer: GIVE_UP,
      finish_type: 'give_up',
      function: functions,
      chain: [],
    },
    ...{ train_messages: [gone.slice(0, 3), gone], query },
  },
}
