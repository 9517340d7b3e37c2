/** `studio.environments`: tools, called by hand. */
import type { EnvironmentsApi } from '../../worker/studioApi'
import { callTool } from './callTool'
import type { Worlds } from './worlds'

export const createEnvironmentsApi = (worlds: Worlds): EnvironmentsApi => ({
  callTool: async (environment, tool, args) => {
    const known = await worlds.environment(environment ?? undefined)
    return known.ok ? callTool(known.value, tool, args) : known
  },
})
