/**
 * The depth-first search of DFSDT (Qin 2023): from a state the first continuation is followed to its end; then the search goes back some turns,
 * the fewer the less was decided there, and asks for another continuation than those it has seen.
 */
import { conversationOf } from '../../../environments/conversation'
import type { Verdict } from '../../../environments/environment'
import type { AgentSession, Opening, SampledTurn } from '../../agent'
import type { NextMessage } from '../../callFormats/callFormat'
import { callTools, giveAnswer, mayAsk, takeAside, takeTurn, type Attempt, type Ending, type Turn } from '../attempt'
import { EpisodeBranches, type EpisodeState } from './episodeBranches'
import { DIVERSITY_PROMPT, diversityPrompt } from './prompts'
import { ranked } from './ranking'
import type { SearchSettings } from './settings'
import { levelsOf, triedAs, type PathEnd, type TreeNode } from './treeNode'

/** Goes back past the root: the search is over. */
const OVER = Number.POSITIVE_INFINITY

export class TreeSearch {
  readonly episodes: EpisodeBranches
  /** All nodes but the root, in the order of their steps. */
  readonly nodes: TreeNode[] = []
  readonly #attempt: Attempt
  readonly #settings: SearchSettings
  readonly #root: AgentSession
  readonly #sessions = new Set<AgentSession>()
  readonly #verdicts = new Map<TreeNode, Verdict>()
  #branches = 0
  #visited = 0
  #answers = 0
  /** Tool calls: a turn with more of them than the budget allows ends the search. */
  #isOverBudget = false
  /** What ended the path that was followed last. */
  #lastEnd: 'budget' | 'length' = 'budget'

  constructor(attempt: Attempt, root: AgentSession, settings: SearchSettings) {
    const { openEpisode, signal } = attempt.options
    this.#attempt = attempt
    this.#root = root
    this.#settings = settings
    this.episodes = new EpisodeBranches(openEpisode, signal ? { signal } : {})
  }

  /** Searches until the first answer, a budget or the end of the tree. */
  async run(): Promise<Ending> {
    const { query } = this.#attempt.options
    const state = await this.episodes.root()
    this.#attempt.tools = state.episode.tools
    await this.#visit({
      ...{ step: null, above: null, depth: 0, levels: 0, session: await this.#fork(this.#root), state, tried: null, children: [] },
      ...{ end: null, answer: null, order: null },
      next: { tools: state.episode.tools, conversation: conversationOf(query) },
    })
    return this.#conclude(state)
  }

  async close(): Promise<void> {
    for (const session of this.#sessions) session.close()
    await this.episodes.close()
  }

  /** Returns how many turns the search goes back. */
  async #visit(node: TreeNode): Promise<number> {
    const { answers, answer_back_up, give_up_back_up, leaf_back_up } = this.#settings
    if (node.step !== null) node.order = this.#visited++
    try {
      if (node.end === 'answer') return ++this.#answers >= answers ? OVER : answer_back_up
      if (node.end === 'give-up') return give_up_back_up
      if (node.end !== null) return leaf_back_up
      if (!this.#isTooDeep(node)) return await this.#expand(node)
      this.#lastEnd = 'budget'
      return leaf_back_up
    } finally {
      this.#release(node.session)
    }
  }

  async #expand(node: TreeNode): Promise<number> {
    const { beam, ranking, leaf_back_up } = this.#settings
    const later: TreeNode[] = []
    for (let place = 0; place < beam; place++) {
      const child = await this.#grow(node, place)
      if (child === 'over') return OVER
      if (child === 'full') break
      if (ranking) later.push(child)
      const back = ranking ? 1 : await this.#visit(child)
      if (this.#isOverBudget) return OVER
      if (back > 1) return back - 1
    }
    const order = later.length < 2 ? later : await ranked(this.#attempt, later, () => this.#fork(this.#root))
    for (const child of order) {
      const back = await this.#visit(child)
      if (back > 1) return back - 1
    }
    return node.children.length === 0 ? leaf_back_up : 1
  }

  #isTooDeep({ depth, levels }: TreeNode): boolean {
    return (this.#settings.depth_unit === 'calls' ? depth : levels) >= this.#settings.depth
  }

  /** Writes one more continuation of a state. `over`: the budget of model calls does not allow it; `full`: it does not fit the context. */
  async #grow(node: TreeNode, place: number): Promise<TreeNode | 'over' | 'full'> {
    const attempt = this.#attempt
    if (!mayAsk(attempt)) return this.#stop()
    const session = await this.#fork(node.session)
    const said = node.children.length === 0 ? node.next : this.#withDiversity(node)
    const sample = (): Promise<SampledTurn | null> => ('tools' in said ? session.open(said) : session.next(said))
    if (this.#settings.last_result === 'discard' && this.#isLastCall()) {
      await takeAside(attempt, sample)
      return this.#stop()
    }
    const turn = await takeTurn(attempt, node.step, sample)
    if (!turn) {
      this.#lastEnd = 'length'
      return 'full'
    }
    return this.#follow(node, turn, said === node.next ? session : await this.#withoutDiversity(node, turn, session, place))
  }

  #stop(): 'over' {
    this.#lastEnd = 'budget'
    return 'over'
  }

  #isLastCall(): boolean {
    const { budget } = this.#attempt.options
    return budget.modelCalls !== null && this.#attempt.steps.length + this.#attempt.asides.length + 1 >= budget.modelCalls
  }

  #withDiversity({ next, children }: TreeNode): Opening | readonly NextMessage[] {
    const content = diversityPrompt(
      this.#settings.diversity_prompt ?? DIVERSITY_PROMPT,
      children.flatMap(({ tried }) => tried ?? []),
    )
    const words = { role: 'user', content } as const
    return 'tools' in next ? { tools: next.tools, conversation: [...next.conversation, words] } : [...next, words]
  }

  /** The session in which the search goes on below a turn that read the diversity prompt. */
  async #withoutDiversity(node: TreeNode, turn: Turn, session: AgentSession, place: number): Promise<AgentSession> {
    if (this.#settings.diversity_seen_by === 'subtree') return session
    this.#release(session)
    // After the last continuation nothing else needs the session of the state.
    const clean = place === this.#settings.beam - 1 ? node.session : await this.#fork(node.session)
    turn.step.later = clean.append(node.next, turn.sampled)
    return clean
  }

  /** Carries out what the turn says in a branch of the episode. */
  async #follow(above: TreeNode, turn: Turn, session: AgentSession): Promise<TreeNode> {
    const { step, sampled } = turn
    const { parsed } = sampled
    const made = await this.#act(above.state, turn)
    const node: TreeNode = {
      ...{ step: turn.index, above, depth: above.depth + 1, levels: above.levels + levelsOf(parsed), session, children: [] },
      ...{ state: made.state, next: made.next, end: made.end, answer: made.end === 'answer' ? (parsed.answer ?? null) : null, order: null },
      tried: triedAs(parsed.calls, parsed.content, step.replies ?? []),
    }
    if (made.verdict) this.#verdicts.set(node, made.verdict)
    above.children.push(node)
    this.nodes.push(node)
    return node
  }

  async #act(above: EpisodeState, turn: Turn): Promise<Made> {
    const { answer, content, calls } = turn.sampled.parsed
    if (turn.step.is_truncated) {
      this.#lastEnd = 'length'
      return { state: above, next: [], end: 'leaf' }
    }
    const episode = await this.episodes.branch(above)
    if (answer !== undefined) {
      const given = await giveAnswer(this.#attempt, episode, turn, answer)
      if (given.said === null)
        return { state: { episode, above, move: null }, next: [], end: answer === null ? 'give-up' : 'answer', verdict: given.verdict }
      const move = { said: content, reply: given.said }
      return { state: { episode, above, move }, next: [{ role: 'user', content: given.said }], end: null }
    }
    const called = await callTools(this.#attempt, episode, turn)
    if (!called) {
      this.#isOverBudget = true
      this.#stop()
      return { state: { episode, above, move: null }, next: [], end: 'leaf' }
    }
    // An episode that ends without words of the agent ended with what its calls did.
    if (called.verdict) return { state: { episode, above, move: null }, next: [], end: 'answer', verdict: called.verdict }
    const move = { calls, replies: called.messages.map(({ content: reply }) => reply) }
    return { state: { episode, above, move }, next: called.messages, end: null }
  }

  /** Marks the path of the first answer, else of the first turn that gave up, else of the last turn. */
  #choose(): TreeNode | undefined {
    const chosen = this.nodes.find(({ end }) => end === 'answer') ?? this.nodes.find(({ end }) => end === 'give-up') ?? this.nodes.at(-1)
    this.#markPath(chosen?.step ?? null)
    return chosen
  }

  /** Marks the path of the turn in which the environment failed. */
  chooseLast(): void {
    this.#markPath(this.#attempt.steps.length - 1)
  }

  #markPath(final: number | null): void {
    const { steps } = this.#attempt
    const path = new Set<number>()
    for (let at = final; at !== null && at >= 0; at = steps[at]?.parent ?? null) path.add(at)
    for (const [index, step] of steps.entries()) {
      step.is_final = index === final
      step.pruned = !path.has(index)
    }
  }

  async #conclude(state: EpisodeState): Promise<Ending> {
    const chosen = this.#choose()
    const { signal } = this.#attempt.options
    const judge = async (at: EpisodeState): Promise<Verdict> => (await this.episodes.branch(at)).finish(null, signal ? { signal } : {})
    const { status } = (chosen && this.#verdicts.get(chosen)) ?? (await judge(chosen?.state ?? state))
    const isFinished = chosen?.end === 'answer' || chosen?.end === 'give-up'
    return { status, answer: chosen?.answer ?? null, stopReason: isFinished ? 'finish' : this.#lastEnd, failure: null }
  }

  async #fork(session: AgentSession): Promise<AgentSession> {
    const fork = await session.fork(++this.#branches)
    this.#sessions.add(fork)
    return fork
  }

  #release(session: AgentSession): void {
    this.#sessions.delete(session)
    session.close()
  }
}

/** What a turn led to. */
interface Made {
  readonly state: EpisodeState
  readonly next: readonly NextMessage[]
  readonly end: PathEnd | null
  readonly verdict?: Verdict
}
