/** The settings of the depth-first search. */
import { z } from 'zod'

const backUp = (help: string, levels: number) => z.int().positive().default(levels).meta({ help })

export const searchSettings = z.object({
  beam: z.int().positive().default(2).meta({ help: 'how many continuations of one state are tried' }),
  depth: z.int().positive().default(12).meta({ help: 'the depth at which a path is given up, counted in depth_unit' }),
  depth_unit: z
    .enum(['calls', 'nodes'])
    .default('calls')
    .meta({ help: 'calls: turns of the model; nodes: a thought, an action and its input are a level each, as StepTool counts' }),
  answers: z.int().positive().default(1).meta({ help: 'how many answers end the search; the first of them is the answer of the attempt' }),
  answer_back_up: backUp('how many turns the search goes back from an answer', 2),
  give_up_back_up: backUp('how many turns the search goes back from a turn that gives up', 2),
  leaf_back_up: backUp('how many turns the search goes back from a path that is too deep', 1),
  diversity_prompt: z.string().optional().meta({
    help: 'what the user says before another continuation; {previous} stands for those tried, and without the word they are not named',
  }),
  diversity_seen_by: z
    .enum(['turn', 'subtree'])
    .default('turn')
    .meta({ help: 'who reads the diversity prompt: the next turn alone, or every turn below it too, as in StepTool’s release' }),
  ranking: z
    .boolean()
    .default(false)
    .meta({ help: 'write all continuations of a state first, and follow them in the order in which the model itself prefers them' }),
  last_result: z
    .enum(['keep', 'discard'])
    .default('keep')
    .meta({ help: 'whether the turn that reaches the limit of model calls is used, or thrown away as in StepTool’s release' }),
})
export type SearchSettings = z.output<typeof searchSettings>
