/** The settings of trial-then-execution, and what it says. The words and the budgets are ours, because those of the paper are not public. */
import { z } from 'zod'

export const trialSettings = z.object({
  trial_calls: z
    .int()
    .positive()
    .nullable()
    .default(null)
    .meta({ help: 'most tool calls of the trial, which the attempt’s budget counts too; null: half of that budget' }),
  trial_calls_per_tool: z.int().positive().default(3).meta({ help: 'most calls of one tool in the trial' }),
  execution: z
    .enum(['new', 'same'])
    .default('new')
    .meta({ help: 'new: the execution is a conversation of its own that begins with the summary; same: it goes on in that of the trial' }),
  correction: z
    .boolean()
    .default(false)
    .meta({ help: 'in the execution, the user asks the model to correct itself after a call that failed' }),
  trial_prompt: z.string().default('First try the tools. Do not answer yet.').meta({ help: 'what the user says before the trial' }),
  summary_prompt: z.string().default('Write down what you learned about the tools.').meta({ help: 'what the user says after the trial' }),
  execution_prompt: z
    .string()
    .default('Learned about the tools: {summary}')
    .meta({ help: 'what the user says before the execution; {summary} stands for what the model wrote' }),
  correction_prompt: z.string().default('That call failed. Correct it.').meta({ help: 'what the user says after a call that failed' }),
})
export type TrialSettings = z.output<typeof trialSettings>
