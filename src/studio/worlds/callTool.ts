/** A tool of the starter world, called by hand: what a model would see. */
import type { StarterWorld } from '../../environments/starter'
import type { Reply } from '../../worker/protocol'
import { accept, refuse } from '../failure'

/** Every call is the first of a fresh episode, so that the same call gives the same reply. */
export function callTool(world: StarterWorld, name: string, args: Readonly<Record<string, unknown>>): Reply<string> {
  if (!world.tools.some((tool) => tool.name === name)) return refuse('unknown-tool', `The starter world has no tool ${name}.`)
  // Quotas belong to a query's plan: a task without one shows what the tool itself says.
  const task = world
    .queries('practice')
    .map((query) => world.task(query))
    .find(({ quotaAt }) => quotaAt === null)
  if (!task) return refuse('no-task', 'The starter world has no query to call a tool with.')
  return accept(world.startTask({ ...task, tools: world.tools }).call({ name, arguments: { ...args } }).text)
}
