/**
 * Episodes in the states of a tree. A state is copied where the environment can; else its episode goes to the first branch, and later ones open
 * a new episode and make the calls of the path again.
 */
import type { Cancellable, Episode } from '../../../environments/environment'
import type { ToolCall } from '../../../records/trajectory'

/** What the agent did in an episode at one turn: calls with the replies they got, or words to a user who replied. */
export type Move =
  { readonly calls: readonly ToolCall[]; readonly replies: readonly string[] } | { readonly said: string; readonly reply: string }

/** A state of the tree. */
export interface EpisodeState {
  /** The episode in this state; null once it has gone to a branch. */
  episode: Episode | null
  readonly above: EpisodeState | null
  /** What led here from the state above; null at the root. */
  readonly move: Move | null
}

export interface BranchCounts {
  copied: number
  /** Episodes opened anew, and calls made again in them, which no budget counts. */
  reopened: number
  repeatedCalls: number
  /** Calls that got another reply the second time. */
  changedReplies: number
  /** Why an episode could not be copied; null: all could. */
  reason: string | null
}

export class EpisodeBranches {
  readonly counts: BranchCounts = { copied: 0, reopened: 0, repeatedCalls: 0, changedReplies: 0, reason: null }
  readonly #open: () => Promise<Episode>
  readonly #options: Cancellable
  readonly #opened = new Set<Episode>()

  constructor(open: () => Promise<Episode>, options: Cancellable) {
    this.#open = open
    this.#options = options
  }

  async root(): Promise<EpisodeState & { episode: Episode }> {
    return { episode: await this.#begin(), above: null, move: null }
  }

  /** An episode in the state that the caller may change. */
  async branch(state: EpisodeState): Promise<Episode> {
    const { episode } = state
    if (!episode) return this.#repeat(state)
    const copy = episode.copy()
    if (copy.ok) {
      this.counts.copied++
      this.#opened.add(copy.episode)
      return copy.episode
    }
    this.counts.reason = copy.reason
    state.episode = null
    return episode
  }

  async #begin(): Promise<Episode> {
    const episode = await this.#open()
    this.#opened.add(episode)
    return episode
  }

  async #repeat(state: EpisodeState): Promise<Episode> {
    const episode = await this.#begin()
    this.counts.reopened++
    const moves: Move[] = []
    for (let at: EpisodeState | null = state; at; at = at.above) if (at.move) moves.unshift(at.move)
    for (const move of moves) {
      if ('said' in move) {
        if ((await episode.userTurn?.(move.said, this.#options)) !== move.reply) this.counts.changedReplies++
        continue
      }
      const replies = await episode.call(move.calls, this.#options)
      this.counts.repeatedCalls += move.calls.length
      this.counts.changedReplies += replies.filter(({ text }, place) => text !== move.replies[place]).length
    }
    return episode
  }

  async close(): Promise<void> {
    await Promise.all([...this.#opened].map((episode) => episode.close()))
  }
}
