/** Answers of servers, mangled with a fixed seed: a judge gets its marks or one sentence, never an exception, and never the key. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createOpenaiChat } from '../../src/agents/openaiChat'
import { readMarks } from '../../src/annotation/judgeMarks'

const KEY = 'sk-proj-5/never+to=be~found-93'
const RUNS = { seed: 20_261_202, numRuns: 4000, interruptAfterTimeLimit: 20_000, markInterruptAsFailure: false }
const NAME = 'evaluate_process_reward'

const anything = fc.oneof(
  fc.jsonValue({ maxDepth: 3 }),
  fc.constantFrom(KEY, NAME, null, 429, '429', true, [], {}, 'rate_limit_exceeded', '[1, 0]', '"[1]"'),
)
const marks = fc.record(
  {
    succeed_tool_calling: anything,
    contribution_to_final_answer: anything,
    final_answer_status: fc.oneof(fc.constantFrom('Solved', 'solved ', 'Unsure'), anything),
  },
  { requiredKeys: [] },
)
const call = fc.record(
  {
    id: anything,
    type: anything,
    function: fc.oneof(
      anything,
      fc.record({
        name: fc.oneof(fc.constant(NAME), anything),
        arguments: fc.oneof(
          anything,
          marks,
          marks.map((value) => JSON.stringify(value)),
        ),
      }),
    ),
  },
  { requiredKeys: [] },
)
const choice = fc.record(
  {
    message: fc.oneof(
      anything,
      fc.record(
        { content: anything, tool_calls: fc.oneof(anything, fc.array(call, { maxLength: 3 })), function_call: anything, refusal: anything },
        { requiredKeys: [] },
      ),
    ),
    finish_reason: fc.oneof(fc.constantFrom('stop', 'length', 'error', 'tool_calls'), anything),
    error: anything,
  },
  { requiredKeys: [] },
)
const body = fc.oneof(
  anything,
  fc.record(
    {
      choices: fc.oneof(anything, fc.array(choice, { maxLength: 2 })),
      error: anything,
      detail: anything,
      errors: anything,
      message: anything,
      object: anything,
      code: anything,
      usage: anything,
    },
    { requiredKeys: [] },
  ),
)
const text = fc.oneof(
  body.map((value) => JSON.stringify(value)),
  fc.string(),
  fc.tuple(body, fc.nat(80)).map(([value, at]) => JSON.stringify(value).slice(0, at)),
)

test('every answer is a completion or one sentence without the key', async () => {
  await fc.assert(
    fc.asyncProperty(text, fc.constantFrom(200, 200, 200, 400, 422, 429, 500, 307, 401, 599), async (answer, status) => {
      const tries: unknown[] = []
      const chat = createOpenaiChat({
        ...{ baseUrl: 'http://localhost:8000/v1', model: 'm', apiKey: KEY, sleep: () => Promise.resolve(), now: () => 0 },
        fetch: (_, init) => {
          tries.push(init)
          return Promise.resolve(new Response(answer, { status }))
        },
      })
      const reply = await chat.complete({ messages: [{ role: 'user', content: 'q' }], maxTokens: 9, seed: 1 })
      expect(tries.length).toBeLessThanOrEqual(8)
      if (!reply.ok) {
        expect(reply.message).toMatch(/^[^\n]+\.$/s)
        expect(reply.message).not.toContain(KEY)
        return
      }
      const read = readMarks(reply.value, 2, 'm', 9)
      if (!read.ok) {
        expect(read.message.length).toBeLessThan(600)
        return
      }
      const { success, contribution, status: ending } = read.value
      expect([success.length, contribution.length]).toEqual([2, 2])
      expect(success.every((mark) => mark === 0 || mark === 1) && contribution.every((mark) => mark >= 0 && mark <= 5)).toBe(true)
      expect([0, 0.5, 1]).toContain(ending)
    }),
    RUNS,
  )
}, 60_000)
