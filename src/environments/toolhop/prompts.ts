/** ToolHop’s three prompts for a question, in words of our own. */

export const SCENARIOS = ['mandatory', 'free', 'direct'] as const
export type Scenario = (typeof SCENARIOS)[number]

const FORM =
  'Give the final answer in <answer> tags, as short as possible: a date as YYYY-MM-DD, a person as first name and last name, a number without words or units.'

const tools: Readonly<Record<Scenario, string>> = {
  mandatory: 'Find the answer with the tools. Call a tool for every step, even where you believe that you know the result.',
  free: 'You may call tools to find the answer.',
  direct: 'Think step by step.',
}

export const promptOf = (scenario: Scenario, question: string): string => `${question}\n\n${tools[scenario]} ${FORM}`
