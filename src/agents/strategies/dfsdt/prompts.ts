/** What the search tells the model, and how it reads a preference. */
import type { ToolCall } from '../../../records/trajectory'
import type { SampledTurn } from '../../agent'

/** A continuation that was tried: its calls or its words, and what the tools replied. */
export interface Tried {
  readonly calls: readonly ToolCall[]
  readonly said: string
  readonly observation: string
}

export const DIVERSITY_PROMPT = `Tried from here without success:
{previous}
Take another step than these.`

const callText = ({ name, arguments: given, error }: ToolCall): string => (error === undefined ? `${name}(${JSON.stringify(given)})` : name)

/** One line for each continuation: what was called and what came back. */
const triedText = ({ calls, said, observation }: Tried): string =>
  `- ${calls.length === 0 ? said : calls.map(callText).join(', ')}${observation === '' ? '' : ` -> ${observation}`}`

export const diversityPrompt = (template: string, tried: readonly Tried[]): string =>
  // A function, because text of tools may contain what replaceAll reads as a pattern.
  template.replaceAll('{previous}', () => tried.map(triedText).join('\n'))

/** Asks which of two continuations of the same path is better. */
export const comparisonPrompt = (task: string, path: readonly Tried[], a: readonly Tried[], b: readonly Tried[]): string =>
  [
    `Task: ${task}`,
    ...(path.length === 0 ? [] : ['Steps so far:', ...path.map(triedText)]),
    'Candidate A goes on with:',
    ...a.map(triedText),
    'Candidate B goes on with:',
    ...b.map(triedText),
    'Which candidate is more likely to solve the task? Answer with one letter, A or B.',
  ].join('\n')

/** The letter that a model prefers; null where it names none. */
export function preferenceIn({ parsed, completion }: SampledTurn): 'A' | 'B' | null {
  const text = parsed.content === '' ? completion.replaceAll(/<\|[^|]*\|>/g, ' ') : parsed.content
  const letter = /\b[AB]\b/g
  const last = text.match(letter)?.at(-1) ?? text.trim().toUpperCase()
  return last === 'A' || last === 'B' ? last : null
}
