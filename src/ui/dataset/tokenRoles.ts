/** Which role each token of a prompt belongs to, found from the chat markers in the text itself. */
import type { TokenPreview } from '../../worker/protocol'

export type Role = 'marker' | 'system' | 'user' | 'assistant' | 'tool' | 'unknown'

// Qwen/ChatML, Llama 3, Llama 2, and the plain "System:" lines of ToolLLaMA.
const MARKERS =
  /<\|im_start\|>(\w+)\n?|<\|im_end\|>\n?|<\|start_header_id\|>(\w+)<\|end_header_id\|>\n*|<\|(?:begin_of_text|eot_id|endoftext|end_of_text)\|>|<\/?s>|(?:^|\n)(System|User|Assistant|Function):[ ]?\n?/g

const ROLES: Readonly<Record<string, Role>> = {
  system: 'system',
  user: 'user',
  assistant: 'assistant',
  tool: 'tool',
  function: 'tool',
  ipython: 'tool',
  observation: 'tool',
}

/** One role per token. Trained tokens are always the assistant's; markers keep a role of their own so that they read as frame. */
export function tokenRoles(preview: Pick<TokenPreview, 'text' | 'mask'>): Role[] {
  const whole = preview.text.join('')
  const spans: { from: number; to: number; role: Role }[] = []
  let role: Role = 'unknown'
  let at = 0
  for (const match of whole.matchAll(MARKERS)) {
    if (match.index > at) spans.push({ from: at, to: match.index, role })
    const name = (match[1] ?? match[2] ?? match[3])?.toLowerCase()
    if (name !== undefined) role = ROLES[name] ?? 'unknown'
    spans.push({ from: match.index, to: match.index + match[0].length, role: 'marker' })
    at = match.index + match[0].length
  }
  spans.push({ from: at, to: whole.length, role })
  let offset = 0
  let span = 0
  return preview.text.map((text, index) => {
    // A token belongs where it ends: `\nUse` after `System:` is the system's, not the marker's.
    offset += text.length
    while (span < spans.length - 1 && offset > (spans[span]?.to ?? Infinity)) span++
    if (preview.mask[index] === 1) return 'assistant'
    return spans[span]?.role ?? 'unknown'
  })
}

export interface TokenRun {
  readonly step: number
  readonly notTrained: boolean
  readonly tokens: readonly { readonly at: number; readonly text: string; readonly role: Role; readonly trained: boolean }[]
}

/** The first tokens cut into the stretches that belong to one step, so that each can carry a heading. */
export function tokenRuns(preview: TokenPreview, most = Infinity): TokenRun[] {
  const roles = tokenRoles(preview)
  const untrained = new Set(preview.notTrainedSteps)
  const runs: { step: number; notTrained: boolean; tokens: { at: number; text: string; role: Role; trained: boolean }[] }[] = []
  preview.text.slice(0, most).forEach((text, at) => {
    const step = preview.step[at] ?? -1
    let run = runs[runs.length - 1]
    if (!run || run.step !== step) {
      run = { step, notTrained: step >= 0 && untrained.has(step), tokens: [] }
      runs.push(run)
    }
    run.tokens.push({ at, text, role: roles[at] ?? 'unknown', trained: preview.mask[at] === 1 })
  })
  return runs
}

export interface BatchSummary {
  readonly tokens: number
  readonly trained: number
  readonly truncatedTokens: number
  readonly steps: number
  readonly notTrained: readonly number[]
}

export function batchSummary(previews: readonly TokenPreview[]): BatchSummary {
  return {
    tokens: previews.reduce((sum, one) => sum + one.ids.length, 0),
    trained: previews.reduce((sum, one) => sum + one.mask.filter((bit) => bit === 1).length, 0),
    truncatedTokens: previews.reduce((sum, one) => sum + one.truncatedTokens, 0),
    steps: previews.reduce((sum, one) => sum + new Set([...one.step.filter((step) => step >= 0), ...one.notTrainedSteps]).size, 0),
    notTrained: previews.flatMap((one) => one.notTrainedSteps),
  }
}
