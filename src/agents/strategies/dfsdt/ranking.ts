/** Orders continuations by what the model itself prefers: every pair is asked about in both orders; a win gives 1 and a tie ½ (ToolLLM's filter). */
import type { AgentSession } from '../../agent'
import { mayAsk, takeAside, type Attempt } from '../attempt'
import { comparisonPrompt, preferenceIn } from './prompts'
import { triedUpTo, type TreeNode } from './treeNode'

/**
 * The nodes, the most preferred first; of equals, the earlier one. Comparisons that the budget does not allow are left out.
 * @param fresh an empty session for each question.
 */
export async function ranked(attempt: Attempt, nodes: readonly TreeNode[], fresh: () => Promise<AgentSession>): Promise<TreeNode[]> {
  const scores = new Map(nodes.map((node) => [node, 0]))
  const add = (node: TreeNode, score: number): void => void scores.set(node, (scores.get(node) ?? 0) + score)
  for (const [place, first] of nodes.entries())
    for (const second of nodes.slice(place + 1))
      for (const [a, b] of [
        [first, second],
        [second, first],
      ] as const) {
        if (!mayAsk(attempt)) continue
        const preferred = await preferenceBetween(attempt, a, b, await fresh())
        add(a, preferred === 'A' ? 1 : preferred === null ? 0.5 : 0)
        add(b, preferred === 'B' ? 1 : preferred === null ? 0.5 : 0)
      }
  return nodes.toSorted((one, other) => (scores.get(other) ?? 0) - (scores.get(one) ?? 0))
}

async function preferenceBetween(attempt: Attempt, a: TreeNode, b: TreeNode, session: AgentSession): Promise<'A' | 'B' | null> {
  const own = (node: TreeNode) => (node.tried ? [node.tried] : [])
  const path = a.above ? triedUpTo(a.above) : []
  const content = comparisonPrompt(attempt.options.query.text, path, own(a), own(b))
  try {
    const turn = await takeAside(attempt, () => session.open({ tools: [], conversation: [{ role: 'user', content }] }))
    // A question that does not fit the context has no answer.
    return turn && preferenceIn(turn)
  } finally {
    session.close()
  }
}
