/** Every opinion about a step is a row and rows are never overwritten. `null` is unlabelled; 0 is a judgement. */
import { z } from 'zod'

export const annotatorKind = z.enum(['HUMAN', 'LLM', 'CODE'])
export type AnnotatorKind = z.infer<typeof annotatorKind>

export const opinion = z.object({
  version: z.literal(1),
  opinion_id: z.string().min(1),
  trajectory_id: z.string(),
  /** Index among the sampled assistant nodes of the trajectory, in the order of `stepsOf` (trajectory.ts); not an index into `nodes`. */
  step: z.int().nonnegative(),
  /** `success` 0/1 · `contribution` 0–5 · `status` (last step) 1 Solved, 0.5 Unsure, 0 Unsolved · `reward` 0–1 given directly. */
  name: z.enum(['success', 'contribution', 'status', 'reward']),
  /** null withdraws the annotator's earlier opinion of this name. */
  value: z.number().nullable(),
  rationale: z.string().default(''),
  annotator_kind: annotatorKind,
  /** `imported:<file>`, `rules:<name>`, `world`, a model name, or the person's name. */
  annotator_id: z.string(),
  /** SHA-256 of the prompt that produced an LLM opinion. */
  prompt_hash: z.string().nullable().default(null),
  /** Which of the judge's K repeats this row is. */
  repeat: z.int().nonnegative().default(0),
  created_at: z.string(),
  /** opinion_id of the row this one replaces. */
  supersedes: z.string().nullable().default(null),
})
export type Opinion = z.infer<typeof opinion>

/** The resolved reward of a step: the number training uses, and where it came from. */
export interface ResolvedReward {
  readonly value: number | null
  readonly from: AnnotatorKind | null
  readonly annotatorId: string | null
}

/** An opinion as it is given, before it becomes a row. */
export interface NewOpinion {
  readonly trajectory_id: string
  readonly step: number
  readonly name: Opinion['name']
  /** null withdraws the annotator's opinion. */
  readonly value: number | null
  readonly rationale?: string
}

/** The rationale of a row that undoes the row it supersedes: its value is the one from before. */
export const UNDO_RATIONALE = '(undo)'

/** What a judge would be sent. */
export interface JudgePlan {
  readonly calls: number
  readonly host: string
  readonly trajectories: number
  /** Prompt tokens of all calls together, at four characters a token. */
  readonly promptTokensEstimate: number
}
