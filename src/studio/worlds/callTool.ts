/** Calls a tool of an environment by hand and gives back what a model would see. */
import type { Environment } from '../../environments/environment'
import type { Reply } from '../../worker/protocol'
import { accept, attempt, refuse } from '../failure'

/** Every call is the first of a fresh episode, so that the same call gives the same reply. */
export function callTool(environment: Environment, name: string, args: Readonly<Record<string, unknown>>): Promise<Reply<string>> {
  return attempt('call-tool', async () => {
    const episode = await environment.open(null)
    try {
      if (!episode.tools.some((tool) => tool.name === name)) return refuse('unknown-tool', `${environment.title} has no tool ${name}.`)
      const [reply] = await episode.call([{ name, arguments: { ...args } }])
      return reply ? accept(reply.text) : refuse('no-reply', `${environment.title} did not reply to ${name}.`)
    } finally {
      await episode.close()
    }
  })
}
