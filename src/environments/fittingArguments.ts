/** Arguments as a tool's schema wants them, where a model wrote the right value in the wrong type. */
import { z } from 'zod'
import type { ToolCall, ToolSpec } from '../records/trajectory'
import type { Episode } from './environment'
import { argumentsSchema } from './toolSchema'

const properties = z.object({ properties: z.record(z.string(), z.looseObject({ type: z.unknown() })) })

/**
 * Environments get typed JSON. Of a parameter whose schema says `string`, a number or a boolean becomes its text: a model that copies 41 from a
 * reply means "41". Nothing else is changed, so that a tool can still refuse what does not fit it.
 */
export function fittingArguments(call: ToolCall, tools: readonly ToolSpec[]): ToolCall {
  const tool = tools.find(({ name }) => name === call.name)
  const schema = tool ? properties.safeParse(argumentsSchema(tool)) : null
  if (!schema?.success) return call
  const isText = (name: string): boolean => Object.hasOwn(schema.data.properties, name) && schema.data.properties[name]?.type === 'string'
  const given = Object.entries(call.arguments).map(([name, value]) =>
    isText(name) && (typeof value === 'number' || typeof value === 'boolean') ? ([name, String(value)] as const) : ([name, value] as const),
  )
  return { ...call, arguments: Object.fromEntries(given) }
}

/** The same episode, which gets every call with fitting arguments, unless it judges them as they were written. */
export function withFittingArguments(episode: Episode): Episode {
  if (episode.takesCallsAsWritten) return episode
  return {
    query: episode.query,
    get tools() {
      return episode.tools
    },
    call: (calls, options) =>
      episode.call(
        calls.map((call) => fittingArguments(call, episode.tools)),
        options,
      ),
    ...(episode.userTurn ? { userTurn: (said, options) => episode.userTurn?.(said, options) ?? Promise.resolve(null) } : {}),
    ...(episode.isOver ? { isOver: () => episode.isOver?.() ?? false } : {}),
    finish: (answer, options) => episode.finish(answer, options),
    copy: () => {
      const copied = episode.copy()
      return copied.ok ? { ok: true, episode: withFittingArguments(copied.episode) } : copied
    },
    close: () => episode.close(),
  }
}
