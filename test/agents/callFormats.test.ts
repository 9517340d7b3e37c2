import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { callFormats } from '../../src/agents/callFormats'
import type { CallFormat, CallFormatDefinition, FormatEvidence } from '../../src/agents/callFormats/callFormat'
import { compact } from '../../src/agents/callFormats/compact'
import { reactParser } from '../../src/agents/callFormats/reactParser'
import { MOST_CALLS } from '../../src/agents/callFormats/readCalls'
import { writeMove } from '../../src/agents/callFormats/writeMove'
import { chatRenderer } from '../../src/models/tokenizer/chatRenderer'

const source = `{% for message in messages %}{{ '<' + message.role + '>' + message.content + '<end>' }}{% endfor %}{% if add_generation_prompt %}<assistant>{% endif %}`
const tokens = ['<end>', '<|tool_call_start|>']
const model: FormatEvidence = {
  title: 'M',
  chatTemplate: source,
  renderChat: chatRenderer(source, {}, () => 0),
  tokenizer: { tokenId: (token) => (tokens.includes(token) ? tokens.indexOf(token) : null) },
}
const definitions: [string, CallFormatDefinition][] = Object.entries(callFormats)
const formats: [string, CallFormat][] = definitions.map(([name, definition]) => [name, definition.create(model)])
const formatNamed = (name: keyof typeof callFormats): CallFormat => callFormats[name].create(model)
const callsOf = (name: keyof typeof callFormats, text: string) => formatNamed(name).parse(text).calls

/** Words that a format may mistake for its own. */
const tricky = [
  '</tool_call>',
  '<tool_call>',
  '"',
  '\\',
  '}',
  ']',
  '\n',
  ';',
  "'",
  '<|python_tag|>',
  '[TOOL_CALLS]',
  '[ARGS]',
  'Action: x',
  '\nAction Input: {}',
  '<end_function_call>',
  '<think>',
  'é',
  '\u2028',
  '{',
]
const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc.array(fc.constantFrom(...tricky), { maxLength: 4 }).map((parts) => parts.join('')),
)
const name = fc.stringMatching(/^[a-z][a-z0-9_]{0,10}$/).filter((word) => word !== 'finish' && word !== 'give_up')
const value = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    text,
    fc.integer(),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(name, tie('value'), { maxKeys: 3, noNullPrototype: true }),
  ),
})).value
const anyCalls = (args: fc.Arbitrary<unknown>) =>
  fc.array(fc.record({ name, arguments: fc.dictionary(name, args, { maxKeys: 4, noNullPrototype: true }) }), { minLength: 1, maxLength: 3 })
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value))

describe('what a format writes it reads again', () => {
  const stop = /<end>/g
  test.each(formats.filter(([id]) => id !== 'compact' && id !== 'react-ref'))('%s', (id, format) => {
    const isQuoted = id === 'functiongemma'
    fc.assert(
      fc.property(anyCalls(value), (given) => {
        // What ends a turn cannot stand inside it, nor a mark of FunctionGemma inside a text.
        const calls = JSON.parse(
          JSON.stringify(given)
            .replace(stop, '')
            .replaceAll(isQuoted ? '<escape>' : stop.source, ''),
        ) as typeof given
        const read = format.parse(format.write(calls)).calls
        expect(plain(read)).toEqual(plain(calls))
      }),
    )
  })

  test('the compact format, whose arguments are text, and the released reader, of one call', () => {
    fc.assert(
      fc.property(name, fc.dictionary(name, fc.string(), { noNullPrototype: true }), (tool, args) => {
        const call = { name: tool, arguments: JSON.parse(JSON.stringify(args).replaceAll('<|end|>', '')) as Record<string, string> }
        expect(compact.parse(compact.write([call])).calls).toEqual([call])
        expect(formatNamed('react-ref').parse(formatNamed('react-ref').write([call])).calls).toEqual([call])
      }),
    )
  })

  test.each(formats)('%s: an answer, and giving up', (_, format) => {
    expect(format.parse(writeMove(format, { name: 'finish', arguments: { answer: 'Karu, 12' } }).text).answer).toBe('Karu, 12')
    expect(format.parse(writeMove(format, { name: 'give_up', arguments: {} }).text).answer).toBeNull()
    expect(format.parse(writeMove(format, { name: 'look', arguments: { up: 'x' } }).text).answer).toBeUndefined()
  })
})

describe('whatever a model writes', () => {
  const pieces = [
    ...tricky,
    '{"name": "f", "arguments": {',
    '{"name":',
    '[f(a=',
    'f(',
    ')',
    'call:f{',
    '<start_function_call>',
    '<escape>',
    'Thought: ',
    'Action: ',
    'Action Input: ',
    '<|tool_call_start|>',
    '</think>',
    '[',
    '1e999',
    '0x',
    '**',
    '\\u',
    '```json\n',
    ' ',
    '<end>',
    ',',
    '=',
  ]
  const anything = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.array(fc.constantFrom(...pieces), { maxLength: 12 }).map((parts) => parts.join('')),
  )
  test.each(formats)('%s reads it without throwing: calls, or an answer', (_, format) => {
    fc.assert(
      fc.property(anything, (said) => {
        const turn = format.parse(said)
        expect(turn.calls.length > 0 || turn.answer !== undefined).toBe(true)
        for (const call of turn.calls) {
          expect(typeof call.name).toBe('string')
          expect(() => JSON.stringify(call.arguments)).not.toThrow()
        }
      }),
    )
  })

  // What is repeated, and what stands before it.
  const hostile: readonly (readonly [string, string])[] = [
    ...[
      '[',
      '{',
      '<tool_call>',
      '<tool_call>{',
      '{"name": "f", "arguments": {"a": "',
      '[f(a=',
      'f(a=1,',
      '[TOOL_CALLS]',
      '[TOOL_CALLS]f[ARGS]{',
      '[TOOL_CALLS] [{',
      '\n',
      '<think>',
      '<end',
    ].map((piece) => ['', piece] as const),
    ...[
      '<start_function_call>call:f{a:',
      'Action: f\nAction Input: {',
      'Action Input: ',
      '\nThought: ',
      '<|python_tag|>',
      '<|tool_call_start|>[f(',
      '{"name": "f"};',
      '`',
    ].map((piece) => ['', piece] as const),
    ...['[', 'a="1",', '**{', ' ', '"'].flatMap(
      (piece) =>
        [
          ['[f(a=1, ', piece],
          ['a(', piece],
        ] as const,
    ),
    ...['[', '\\', '{"a":', ' '].flatMap(
      (piece) =>
        [
          ['<tool_call>{"name": "f", "arguments": "', piece],
          ['Action: f\nAction Input: ', piece],
          ['<start_function_call>call:f{a:', piece],
        ] as const,
    ),
  ]
  test.each(formats)(
    '%s takes less than a second for a million characters',
    (_, format) => {
      for (const [head, piece] of hostile) {
        const said = `${head}${piece.repeat(Math.ceil(1e6 / piece.length))}z`
        const began = performance.now()
        format.parse(said)
        expect(performance.now() - began, JSON.stringify(head + piece)).toBeLessThan(1000)
      }
    },
    60_000,
  )

  test('a turn holds a bounded number of calls', () => {
    const call = '<tool_call>{"name": "f", "arguments": {}}</tool_call>'
    const read = callsOf('hermes', call.repeat(500))
    expect(read).toHaveLength(MOST_CALLS + 1)
    expect(read.at(-1)?.error).toMatch(/at most 64 calls/)
    for (const [id, repeated] of [
      ['llama', '{"name": "f"};'.repeat(500)],
      ['json', `[${'{"name": "f"},'.repeat(499)}{"name": "f"}]`],
      ['pythonic', `[${'f(),'.repeat(500)}]`],
      ['mistral', '[TOOL_CALLS]f[ARGS]{}'.repeat(500)],
      ['functiongemma', '<start_function_call>call:f{}<end_function_call>'.repeat(500)],
    ] as const)
      expect(callsOf(id, repeated), id).toHaveLength(MOST_CALLS + 1)
  })
})

describe('malformed calls say what was expected and what was found', () => {
  test.each([
    ['hermes', '<tool_call>\n{"name": "f", "arguments": {"a": 1}\n</tool_call>', /expected JSON, found "\{\\"name/],
    ['hermes', '<tool_call>{"arguments": {}}</tool_call>', /expected "name" to be the name of a tool, found nothing/],
    ['hermes', '<tool_call>{"name": "f", "arguments": [1]}</tool_call>', /expected "arguments" to be an object, found "\[1\]"/],
    ['hermes', '<tool_call></tool_call>', /expected JSON, found nothing/],
    ['hermes', '<tool_call>"f"</tool_call>', /expected an object with "name" and "arguments"/],
    ['hermes', `<tool_call>{"name": "f", "arguments": ${'['.repeat(90)}${']'.repeat(90)}}</tool_call>`, /nested at most 64 deep/],
    ['llama', '{"name": "f", "parameters": {"a": }}', /expected JSON, found/],
    ['llama', '<|python_tag|>brave_search.call(query=)', /expected/],
    ['mistral', '[TOOL_CALLS]', /expected a name, \[ARGS\] and a JSON object after \[TOOL_CALLS\], found nothing/],
    ['mistral', '[TOOL_CALLS]f[ARGS]{"a"', /expected JSON, found/],
    ['pythonic', '[f("Bern")]', /expected parameter=value or "\)", found "\\"Bern/],
    ['pythonic', '[f(a=open("x"))]', /expected a Python literal, found/],
    ['pythonic', '[f(a=1, a=2)]', /expected each parameter once, found a twice/],
    ['pythonic', '<|tool_call_start|>nothing<|tool_call_end|>', /expected tool\(parameter=value\), found "nothing/],
    ['functiongemma', '<start_function_call>call:f{a:Bern}<end_function_call>', /expected <escape>text<escape>, a number, .*found "Bern/],
    ['functiongemma', '<start_function_call>f()<end_function_call>', /expected call:name\{…\}, found/],
    ['json', '[{"name": "f", "arguments": {}', /expected JSON, found/],
    ['react', 'I am not sure.', /expected the lines "Thought:", "Action:" and "Action Input:", found "I am not sure\."/],
    ['react', 'Thought: x\nAction: f\nAction Input: Bern', /expected a JSON object after "Action Input:", found "Bern"/],
    ['react', 'Thought: x\nAction: f', /expected the line "Action Input:" after the action, found nothing/],
    [
      'react',
      'Thought: x\nAction: Finish\nAction Input: {"final_answer": "x"}',
      /expected return_type to be give_answer or give_up_and_restart, found nothing/,
    ],
    ['react', 'Thought: x\nAction: Finish\nAction Input: {"return_type": "give_answer"}', /expected final_answer beside give_answer/],
  ] as const)('%s: %s', (id, said, error) => {
    const turn = formatNamed(id).parse(said)
    expect(turn).not.toHaveProperty('answer')
    expect(turn.calls.map((call) => call.error).join()).toMatch(error)
  })
})

describe('hermes', () => {
  test('reads several calls, lists of calls, arguments as text, and a tag without its end', () => {
    const f = { name: 'f', arguments: { a: 1 } }
    expect(callsOf('hermes', '<tool_call>{"name": "f", "arguments": {"a": 1}}</tool_call>\n<tool_call>{"name": "g"}</tool_call>')).toEqual([
      f,
      { name: 'g', arguments: {} },
    ])
    // SmolLM2's own convention.
    expect(
      callsOf('hermes', '<tool_call>[{"name": "f", "arguments": {"a": 1}}, {"name": "f", "arguments": {"a": 1}}]</tool_call>'),
    ).toEqual([f, f])
    expect(formatNamed('hermes').parse('<tool_call>[]</tool_call>')).toEqual({ content: '', reasoning: '', calls: [], answer: null })
    expect(callsOf('hermes', '<tool_call>{"name": "f", "arguments": "{\\"a\\": 1}"}</tool_call>')).toEqual([f])
    expect(callsOf('hermes', 'Let me see. <tool_call>{"name": "f", "arguments": {"a": 1}}')).toEqual([f])
  })

  test('keeps reasoning and words apart from calls', () => {
    const said = '<think>\nA <tool_call> would help.\n</think>\n\nLooking. <tool_call>{"name": "f"}</tool_call>'
    expect(formatNamed('hermes').parse(said)).toEqual({
      content: 'Looking.',
      reasoning: 'A <tool_call> would help.',
      calls: [{ name: 'f', arguments: {} }],
    })
    expect(formatNamed('hermes').parse('<think>\nx\n</think>\n\n12')).toEqual({ content: '12', reasoning: 'x', calls: [], answer: '12' })
    expect(formatNamed('hermes').parse('<think>\nwithout end')).toEqual({ content: '', reasoning: 'without end', calls: [], answer: null })
    expect(formatNamed('mistral').parse('[THINK]x[/THINK]12')).toMatchObject({ reasoning: 'x', answer: '12' })
  })
})

test('llama reads JSON after semicolons and on lines, and built-in tools; JSON that names no tool is an answer', () => {
  const f = { name: 'f', arguments: { a: 'x;y' } }
  const one = '{"name": "f", "parameters": {"a": "x;y"}}'
  expect(callsOf('llama', `${one}; ${one}`)).toEqual([f, f])
  expect(callsOf('llama', `${one}\n${one}`)).toEqual([f, f])
  expect(callsOf('llama', `<|python_tag|>${one}<end>`)).toEqual([f])
  expect(callsOf('llama', '{"type": "function", "function": {"name": "f", "parameters": {"a": "x;y"}}}')).toEqual([f])
  expect(callsOf('llama', '<|python_tag|>brave_search.call(query="Zürich, now", count=3)')).toEqual([
    { name: 'brave_search', arguments: { query: 'Zürich, now', count: 3 } },
  ])
  expect(callsOf('llama', '<|python_tag|>print(1)')).toEqual([{ name: 'code_interpreter', arguments: { code: 'print(1)' } }])
  expect(formatNamed('llama').parse('{"celsius": 3}')).toMatchObject({ calls: [], answer: '{"celsius": 3}' })
})

test('mistral reads the list, the names with arguments, and the ids', () => {
  expect(callsOf('mistral', '[TOOL_CALLS] [{"name": "f", "arguments": {"a": 1}, "id": "abcdefghi"}]')).toEqual([
    { name: 'f', arguments: { a: 1 }, id: 'abcdefghi' },
  ])
  expect(callsOf('mistral', 'Well. [TOOL_CALLS]f[ARGS]{"a": "[TOOL_CALLS]"}[TOOL_CALLS]g[CALL_ID]abcdefghi[ARGS]{}')).toEqual([
    { name: 'f', arguments: { a: '[TOOL_CALLS]' } },
    { name: 'g', arguments: {}, id: 'abcdefghi' },
  ])
  expect(callsOf('mistral', '[TOOL_CALLS]f{"a": 1}')).toEqual([{ name: 'f', arguments: { a: 1 } }])
})

test('pythonic reads lists of calls with and without tags; a list of anything else is an answer', () => {
  const both = [
    { name: 'api.f', arguments: { a: 'v', b: [1, null, { k: true }] } },
    { name: 'g', arguments: {} },
  ]
  expect(callsOf('pythonic', `[api.f(a="v", b=[1, None, {'k': True}]), g()]`)).toEqual(both)
  expect(
    formatNamed('pythonic').parse(`Sure.<|tool_call_start|>[api.f(a='v', b=[1, null, {"k": true}]), g()]<|tool_call_end|>Wait.`),
  ).toMatchObject({ calls: both, content: 'Sure.Wait.' })
  expect(callsOf('pythonic', '<|tool_call_start|>g()<|tool_call_end|>')).toEqual([{ name: 'g', arguments: {} }])
  expect(callsOf('pythonic', '<|tool_call_start|>[{"name": "g", "arguments": {}}]<|tool_call_end|>')).toEqual([
    { name: 'g', arguments: {} },
  ])
  expect(callsOf('pythonic', '[f(**{"user-id": 3})]')).toEqual([{ name: 'f', arguments: { 'user-id': 3 } }])
  expect(formatNamed('pythonic').parse('[1, 2]')).toMatchObject({ calls: [], answer: '[1, 2]' })
})

test('json reads a list, an object and a fenced list; other JSON is an answer', () => {
  const f = { name: 'f', arguments: { a: 1 } }
  for (const said of [
    '[{"name": "f", "arguments": {"a": 1}}]',
    '{"name": "f", "arguments": {"a": 1}}',
    '```json\n[{"name": "f", "arguments": {"a": 1}}]\n```',
  ])
    expect(callsOf('json', said)).toEqual([f])
  expect(formatNamed('json').parse('{"celsius": 3}').answer).toBe('{"celsius": 3}')
  expect(formatNamed('json').parse('[]').answer).toBeNull()
})

describe('react', () => {
  const parse = (said: string) => formatNamed('react').parse(said)
  const released = (said: string) => formatNamed('react-ref').parse(said)
  test('reads the three lines strictly, labels inside arguments apart', () => {
    expect(parse('Thought: I look.\nAction: f\nAction Input: {"a": "\\nAction: g"}')).toEqual({
      content: '',
      reasoning: 'I look.',
      calls: [{ name: 'f', arguments: { a: '\nAction: g' } }],
    })
    expect(parse('Action: f\nAction Input: {}').calls).toEqual([{ name: 'f', arguments: {} }])
  })

  test('mends what it can where that fails, and takes nothing that the model made up', () => {
    expect(parse("thought: x\naction: f\naction input: {'a': 'v',}").calls).toEqual([{ name: 'f', arguments: { a: 'v' } }])
    expect(parse('Thought: x Action: f Action Input: {"a": 1}\nObservation: 12\nAction: g\nAction Input: {}').calls).toEqual([
      { name: 'f', arguments: { a: 1 } },
    ])
    expect(parse('Thought: x\nAction: f\nAction Input: {"a": "open').calls).toEqual([{ name: 'f', arguments: { a: 'open' } }])
  })

  test('Finish ends the episode', () => {
    const finish = (args: string) => `Thought: \nAction: Finish\nAction Input: ${args}`
    for (const read of [parse, released]) {
      expect(read(finish('{"return_type": "give_answer", "final_answer": "12"}'))).toMatchObject({ answer: '12', content: '12' })
      expect(read(finish('{"return_type": "give_up_and_restart"}'))).toMatchObject({ answer: null })
      expect(read(finish('{"return_type": "give_it"}')).calls[0]?.error).toMatch(/expected return_type/)
    }
    // The environment's rules for broken JSON.
    expect(released(finish('{"return_type": "give_answer", "final_answer": "12')).answer).toBe('12')
    expect(released(finish(`{'return_type': 'give_answer', 'final_answer': '12'}`)).answer).toBe(`'12'}`)
  })

  test.each([
    ['Action: X\nAction Input: {}', ['X\nAction Input: {', 'X', '{}']],
    ['', ['', '', '']],
    ['I think you tune into...\nAction: Q\nAction Input: {}', ['you tune into...', 'Q', '{}']],
    ['Thought: a\nAction: b\nAction Input: c', ['a', 'b', 'c']],
  ])('react_parser of the released code: %j', (said, [thought, action, input]) => {
    expect(reactParser(said)).toEqual({ thought, action, actionInput: input })
  })
})
