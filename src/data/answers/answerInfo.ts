/** What an answer file says that has no place of its own in a trajectory: kept in its `info`, so that the file can be written again as it was. */
import { z } from 'zod'
import type { Trajectory } from '../../records/trajectory'

export const answerInfo = z.object({
  /** `CoT@1`, `DFS_woFilter_w2`. */
  method: z.string(),
  shape: z.enum(['new', 'old']).default('new'),
  forward_args: z.record(z.string(), z.unknown()).optional(),
  query_count: z.int().optional(),
  total_tokens: z.int().optional(),
  /** The functions, where tools do not say all of them. */
  functions: z.array(z.record(z.string(), z.unknown())).optional(),
  /** Arguments as the model wrote them, by the id of the call, where JSON of them would be written otherwise. */
  arguments: z.record(z.string(), z.string()).default({}),
  /** Codes of observations that their texts do not say, by the id of the call. */
  codes: z.record(z.string(), z.int()).default({}),
  /** Steps whose thought is there and empty. */
  empty_thoughts: z.array(z.int()).default([]),
  /** Whether a conversation that led to the final answer was there. */
  valid: z.boolean().optional(),
})
export type AnswerInfo = z.output<typeof answerInfo>

const KEY = 'steptool'

/** null for a trajectory from elsewhere. */
export const answerInfoOf = ({ info }: Pick<Trajectory, 'info'>): AnswerInfo | null => answerInfo.safeParse(info?.[KEY]).data ?? null

export const withAnswerInfo = (info: z.input<typeof answerInfo>): Record<string, unknown> => ({ [KEY]: info })

/** The id that a call gets in a record that is made from steps. */
export const callIdOf = (step: number, place: number): string => (place === 0 ? `call-${step + 1}` : `call-${step + 1}-${place + 1}`)
