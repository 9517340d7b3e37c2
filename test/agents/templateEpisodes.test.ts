import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { requireCallFormat } from '../../src/agents/callFormats/callFormatFor'
import type { FormatEvidence } from '../../src/agents/callFormats/callFormat'
import { strategies } from '../../src/agents/strategies'
import { openScriptedAgent, type Script } from '../../src/agents/strategies/scriptedSession'
import { oraclePolicy } from '../../src/environments/starter/expert'
import { createStarterWorld } from '../../src/environments/starter/world'
import { functionTool } from '../../src/environments/toolSchema'
import { chatRenderer } from '../../src/models/tokenizer/chatRenderer'
import { createHfTokenizer } from '../../src/models/tokenizer/hfTokenizer'
import { maskOf, stepsOf, type Trajectory } from '../../src/records/trajectory'

const golden = (path: string): string => readFileSync(new URL(`../golden/call_formats/${path}`, import.meta.url), 'utf8')
const tokenizer = createHfTokenizer(JSON.parse(golden('tokenizer.json')), {})
const world = createStarterWorld()
const limits = { maxNewTokens: 512, maxContext: 8192 }

function modelOf(template: string, callFormat: string | null = null): FormatEvidence {
  const chatTemplate = golden(`${template}.jinja`)
  const renderChat = chatRenderer(chatTemplate, { bos_token: '<s>', eos_token: '</s>' }, () => 0)
  return { title: template, chatTemplate, renderChat, callFormat, tokenizer }
}

async function attempt(model: FormatEvidence, script: (oracle: Script) => Script = (oracle) => oracle, index = 0): Promise<Trajectory> {
  const query = world.queries('dev')[index]!
  const format = requireCallFormat(model)
  return strategies.cot.run({
    query,
    openSession: () => openScriptedAgent(script(oraclePolicy(world, query)), { codec: tokenizer, format, ...limits }),
    openEpisode: () => world.open(query),
    budget: { toolCalls: 8, modelCalls: null },
    ...{ temperature: 0, trajectoryId: 't', ...limits },
  })
}

/** The conversation of a record in OpenAI's shape, as somebody would hand it to the template. */
function messagesOf({ nodes }: Trajectory) {
  return nodes.map(({ role, content, tool_calls: calls, tool_call_id: id }) => ({
    ...{ role, content },
    ...(calls.length > 0
      ? { tool_calls: calls.map(({ name, arguments: given }) => ({ id: 'x', type: 'function', function: { name, arguments: given } })) }
      : {}),
    ...(role === 'tool' ? { name: nodes.flatMap((node) => node.tool_calls).find((call) => call.id === id)?.name ?? '' } : {}),
  }))
}

describe('an expert acts in the starter world through a chat template', () => {
  test.each(['qwen', 'llama3', 'mistral_args', 'functiongemma', 'xlam'])(
    '%s: what stands in the record is what the template renders of the whole conversation',
    async (template) => {
      const own =
        { llama3: 'llama', mistral_args: 'mistral', functiongemma: 'functiongemma', xlam: 'json', qwen: 'hermes' }[template] ?? null
      const model = modelOf(template, own)
      for (const index of [0, 3, 9]) {
        const record = await attempt(model, undefined, index)
        expect(record.status).toBe('solved')
        expect(stepsOf(record).length).toBeGreaterThan(1)
        const ids = record.nodes.flatMap(({ tokens }) => tokens?.ids ?? [])
        const rendered = model.renderChat?.({ messages: messagesOf(record), tools: record.task.tools.map(functionTool) }) ?? ''
        // After the last token that ends a turn a template may go on with the end of the line.
        expect(rendered.startsWith(tokenizer.decode(ids))).toBe(true)
        expect(rendered.slice(tokenizer.decode(ids).length).trim()).toBe('')
      }
    },
  )

  test('the loss counts what was sampled, token by token, and nothing of the template', async () => {
    const record = await attempt(modelOf('qwen', 'hermes'), undefined, 3)
    const tokens = record.nodes.flatMap((node) => (node.tokens?.ids ?? []).map((id, at) => ({ id, isCounted: maskOf(node)[at] === 1 })))
    const counted = record.nodes.filter(({ sampled }) => sampled)
    expect(counted.length).toBeGreaterThan(1)
    expect(tokenizer.decode(tokens.filter(({ isCounted }) => isCounted).map(({ id }) => id))).toBe(counted.map(({ text }) => text).join(''))
    for (const { text } of counted) expect(text).toMatch(/^(<tool_call>\n\{"name".*<\/tool_call>|[^<]+)<\|im_end\|>$/s)
    const glue = tokenizer.decode(tokens.filter(({ isCounted }) => !isCounted).map(({ id }) => id))
    expect(glue).toContain('<|im_start|>assistant\n')
    expect(glue).toContain('<tool_response>')
  })

  test('replies are the world’s own words in the record, calls are typed, and reasoning is kept apart', async () => {
    const record = await attempt(
      modelOf('qwen', 'hermes'),
      (oracle) => (observations) => {
        const move = oracle(observations)
        if (observations.length > 0 || typeof move === 'string') return move
        return `<think>\nFirst.\n</think>\n\nLooking.\n<tool_call>\n{"name": "${move.name}", "arguments": ${JSON.stringify(move.arguments)}}\n</tool_call>`
      },
      3,
    )
    const [step] = stepsOf(record)
    const node = record.nodes.find(({ sampled }) => sampled)
    expect(node).toMatchObject({ reasoning: 'First.', content: 'Looking.' })
    expect(step?.call?.error).toBeUndefined()
    expect(step?.observation).toMatch(/^\{"[a-z]+":"/)
    expect(record.status).toBe('solved')
  })

  test('a malformed call is answered by the world, and the attempt goes on', async () => {
    const record = await attempt(
      modelOf('qwen', 'hermes'),
      (oracle) => (observations) => (observations.length === 0 ? '<tool_call>{"name": "f", </tool_call>' : oracle(observations.slice(1))),
      3,
    )
    const [first] = stepsOf(record)
    expect(first?.call?.error).toMatch(/expected JSON, found/)
    expect(first?.observation).toBe('{"error":"bad call"}')
    expect(record.status).toBe('solved')
  })
})
