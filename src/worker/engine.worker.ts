/** The studio in a Web Worker. */
import './workerTrustedTypes'
import { expose, transfer } from 'comlink'
import { createStudio } from '../studio/studio'
import { browserParts } from './browserParts'
import type { StudioApi } from './studioApi'

const studio = createStudio(browserParts())

expose({
  ...studio,
  runs: {
    ...studio.runs,
    exportAdapter: async (runId, which, baseModel) => {
      const reply = await studio.runs.exportAdapter(runId, which, baseModel)
      return reply.ok
        ? transfer(
            reply,
            Object.values(reply.value).map(({ buffer }) => buffer),
          )
        : reply
    },
  },
} satisfies StudioApi)
