/** The studio in a Web Worker. */
import { expose, transfer } from 'comlink'
import { createStudio } from '../studio/studio'
import { browserParts } from './browserParts'
import type { StudioApi } from './protocol'

const studio = createStudio(browserParts())

expose({
  ...studio,
  exportAdapter: async (runId, which) => {
    const reply = await studio.exportAdapter(runId, which)
    return reply.ok
      ? transfer(
          reply,
          Object.values(reply.value).map(({ buffer }) => buffer),
        )
      : reply
  },
} satisfies StudioApi)
