/** A call format over the model's own chat template: the template renders turns and, where it can, tools and calls; the format reads and writes calls. */
import { functionTool } from '../../environments/toolSchema'
import type { ConversationMessage } from '../../environments/conversation'
import type { ToolCall, ToolSpec } from '../../records/trajectory'
import type { CallFormat, CallFormatDefinition, FormatEvidence, ParsedTurn } from './callFormat'
import type { CallLanguage } from './callLanguage'
import { chatTurns, type ChatTurns } from './chatTurns'
import { spacedJson } from './readCalls'
import { FINISH_PLAINLY, promptsOf, SYSTEM } from './promptPack'

export function templateFormat(language: CallLanguage): CallFormatDefinition {
  const { name, title } = language
  return { name, title, recognise: (model) => language.recognise(model), create: (model) => boundFormat(language, model) }
}

function boundFormat(language: CallLanguage, model: FormatEvidence): CallFormat {
  const turns = chatTurns(model, language)
  const { name, title } = language
  const own = { system: SYSTEM, howToCall: language.howToCall, finish: language.finish ?? FINISH_PLAINLY }
  const prompts = promptsOf(name, own, model.promptPack)
  /** What the system says of the tools; a template that lists them says the rest. */
  const toolText = (tools: readonly ToolSpec[]): string =>
    turns.listsTools ? prompts.finish : [listOf(language, tools), prompts.howToCall, prompts.finish].join('\n\n')
  const system = (tools: readonly ToolSpec[]): string | null =>
    tools.length === 0 ? null : prompts.system.replace('{tools}', () => toolText(tools)).trim()
  const withoutEnd = (completion: string): string => {
    const ends = turns.stopTokens.map((token) => completion.indexOf(token)).filter((at) => at >= 0)
    return completion.slice(0, ends.length > 0 ? Math.min(...ends) : undefined)
  }
  const parse = (completion: string): ParsedTurn => language.parse(withoutEnd(completion), turns.opensReasoning)
  return {
    ...{ name, title, stopTokens: turns.stopTokens, system, parse },
    ...(turns.callStopToken === null ? {} : { callStopToken: turns.callStopToken }),
    how: `${title}. ${turns.remarks.join(' ')}`,
    start: (tools, conversation) =>
      turns.start({
        messages: openingOf(language, system(tools), conversation).map((message) => ({ ...message })),
        ...(turns.listsTools && tools.length > 0 ? { tools: tools.map(functionTool) } : {}),
      }),
    next: (messages) => turns.next(messages),
    write: (calls) => writeCalls(calls, parse, turns, () => language.write(calls, model)),
    answer: language.answer ?? ((text) => text ?? ''),
  }
}

const listOf = (language: CallLanguage, tools: readonly ToolSpec[]): string =>
  language.listTools?.(tools) ?? `<tools>\n${tools.map((tool) => spacedJson(functionTool(tool).function)).join('\n')}\n</tools>`

/** The conversation with one system message at its head. */
function openingOf(
  language: CallLanguage,
  system: string | null,
  conversation: readonly ConversationMessage[],
): readonly ConversationMessage[] {
  const said = conversation.filter(({ role }) => role === 'system').map(({ content }) => content)
  const systems = [...(system === null ? [] : [system]), ...said]
  const first = conversation.findIndex(({ role }) => role === 'user')
  const others = conversation.flatMap((message, index) => {
    if (message.role === 'system') return []
    return [index === first ? { ...message, content: language.query?.(message.content) ?? message.content } : message]
  })
  return systems.length === 0 ? others : [{ role: 'system', content: systems.join('\n\n') }, ...others]
}

/** As the template writes them, if it can and the reader finds the same calls in it; else as the format does. */
function writeCalls(calls: readonly ToolCall[], parse: (text: string) => ParsedTurn, turns: ChatTurns, own: () => string): string {
  const rendered = turns.write(calls)
  if (rendered === null) return own()
  const read = parse(rendered).calls.map(({ name, arguments: given }) => ({ name, arguments: given }))
  const wanted = calls.map(({ name, arguments: given }) => ({ name, arguments: given }))
  return JSON.stringify(read) === JSON.stringify(wanted) ? rendered : own()
}
