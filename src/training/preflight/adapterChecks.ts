/** Checks before step 0 of the initial adapter, the reference, the export and the chat template. */
import { folderFromMap } from '../../models/weights/byteSource'
import { checkAdapterFits, readAdapter, writeAdapter, type LoraAdapter } from '../../models/weights/peft'
import type { ChatMessage, ChatTemplate } from '../../models/tokenizer/chatTemplate'
import type { Finding } from './settingsChecks'

/** The largest |Δ log π| between policy and reference before the first update that counts as rounding. */
const SAME = 1e-4

/** The KL reference before the first update: the base model under a `new` adapter, the `initial` adapter that the run continues, or the `base` model under that adapter. */
export type ReferenceKind = 'new' | 'initial' | 'base'
const AGREES = {
  new: 'the adapter starts at zero',
  initial: 'the reference is a copy of the adapter that the run starts from',
  base: 'the adapter that the run starts from changes no log-prob',
} as const

/** @param policy, reference log π of the same tokens. */
export function checkReference(policy: readonly number[], reference: readonly number[], kind: ReferenceKind = 'new'): Finding {
  const check = 'reference'
  const most = policy.reduce((worst, value, at) => Math.max(worst, Math.abs(value - (reference[at] ?? Number.NaN))), 0)
  if (policy.length === 0 || Number.isNaN(most))
    return { check, level: 'refusal', message: 'The log-probs of the policy or the reference are not finite before the first update.' }
  if (most > SAME && kind === 'base')
    return {
      check,
      level: 'warning',
      message: `The run starts from an adapter, and its KL reference is the base model without it (ref_adapter: none). Before the first update the two differ by up to ${most.toPrecision(2)} nats a token, so the KL does not start at 0.`,
    }
  return most <= SAME
    ? { check, level: 'fine', message: `Policy and reference agree on ${policy.length} tokens (KL 0): ${AGREES[kind]}.` }
    : {
        check,
        level: 'refusal',
        message: `Before the first update policy and reference differ by up to ${most.toPrecision(2)} nats a token, so the KL would not start at 0.`,
      }
}

/** Writes the adapter as at the end of the run, reads it back and checks it against the model, so that a failure is found before training. */
export async function checkExport(adapter: LoraAdapter, shapes: Readonly<Record<string, readonly number[]>>): Promise<Finding> {
  const check = 'export'
  try {
    const files = writeAdapter(adapter)
    const read = await readAdapter(folderFromMap('dry run', files))
    checkAdapterFits(read, shapes)
    for (const [path, { a, b }] of adapter.modules) {
      const back = read.modules.get(path)
      if (back?.a.length !== a.length || back.b.length !== b.length) throw new Error(`${path} was not read back as it was written`)
    }
    const bytes = [...files.values()].reduce((sum, file) => sum + file.byteLength, 0)
    return {
      check,
      level: 'fine',
      message: `A dry run wrote and read ${adapter.modules.size} adapted layers in PEFT’s layout (${(bytes / 1e6).toFixed(1)} MB).`,
    }
  } catch (error) {
    return {
      check,
      level: 'refusal',
      message: `The adapter could not be exported: ${error instanceof Error ? error.message : String(error)}.`,
    }
  }
}

/** A conversation with everything that templates treat differently: thoughts, calls, tool replies, and two turns of the user. */
const CONVERSATION: readonly ChatMessage[] = [
  { role: 'user', content: 'What is the weather in Oslo?' },
  { role: 'assistant', content: '<think>\nI need the tool.\n</think>\n\nget_weather(city="Oslo")' },
  { role: 'tool', name: 'get_weather', content: '{"degrees": 4}' },
  { role: 'assistant', content: '<think>\nFour degrees.\n</think>\n\nIt is 4 degrees.' },
  { role: 'user', content: 'And tomorrow?' },
  { role: 'assistant', content: '<think>\nAgain.\n</think>\n\nget_forecast(city="Oslo")' },
]

/** Any: only that it is the same each time matters. */
const SOME_DATE = new Date(Date.UTC(2024, 6, 26))

/**
 * Checks that a chat template only appends: the text up to one turn is the start of the text up to the next. Templates that rewrite
 * history (dropping earlier thoughts, as Qwen3's and DeepSeek-R1's do) break that: their text may be trained on, but not re-rendered.
 */
export function checkTemplate(template: ChatTemplate): Finding {
  const check = 'chat template'
  const render = (messages: readonly ChatMessage[], addGenerationPrompt: boolean): string =>
    // transformers gives every template the date; one that asks for it without asking whether it is there must not fail.
    template.render({ messages, addGenerationPrompt, now: SOME_DATE })
  try {
    for (let end = 1; end <= CONVERSATION.length; end++) {
      const before = CONVERSATION.slice(0, end)
      const next = CONVERSATION[end]
      if (next?.role !== 'assistant') continue
      const prompt = render(before, true)
      const after = render([...before, next], false)
      if (!after.startsWith(prompt)) return { check, level: 'warning', message: rewritten(end) }
      const later = CONVERSATION.slice(0, end + 2)
      const own = after.replace(/\s+$/, '')
      if (later.length > end + 1 && !render(later, true).startsWith(own)) return { check, level: 'warning', message: rewritten(end + 1) }
    }
    return {
      check,
      level: 'fine',
      message: 'The template only appends: every rendered conversation starts with the turns before, unchanged.',
    }
  } catch (error) {
    return {
      check,
      level: 'warning',
      message: `The chat template could not be checked: ${error instanceof Error ? error.message : String(error)}.`,
    }
  }
}

const rewritten = (turn: number): string =>
  `The template rewrites history: after message ${turn} it renders the messages before differently, so a conversation that is rendered again differs from what the model was trained on. Append token ids instead.`
