import type { EnvironmentDescription } from '../../../worker/protocol'
import { EmptyState } from '../../widgets/Panel'

/** Why there is no tool on the screen, and what to do next. */
export function NoTool({ world, isSearched }: { readonly world: EnvironmentDescription; readonly isSearched: boolean }) {
  if (isSearched) return <EmptyState title="No tool matches." />
  if (world.needs !== null && world.hash === null)
    return <EmptyState title={`${world.title} has no tools yet.`}>Give it what it needs in the fields above: {world.needs}.</EmptyState>
  return <EmptyState title={`${world.title} offers no tool by itself.`}>Its tools differ from query to query.</EmptyState>
}
