/** DFSDT (Qin 2023) as a strategy: the whole tree is recorded, and the path of the first answer is final. */
import { beginAttempt, endingOf, recordOf } from '../attempt'
import type { Strategy } from '../strategy'
import { TreeSearch } from './search'
import { searchSettings } from './settings'

/** As in StepTool’s scripts. */
const MODEL_CALLS = 30

export const dfsdt: Strategy = {
  name: 'dfsdt',
  title: 'Depth-first search',
  kind: 'tree',
  help: 'The model follows one path to its end. When it gives up or the path is too deep, the search goes back and asks for another step than those it has seen. The first answer ends it.',
  settings: searchSettings,
  modelCalls: MODEL_CALLS,
  async run(given) {
    const budget = { ...given.budget, modelCalls: given.budget.modelCalls ?? MODEL_CALLS }
    const attempt = beginAttempt({ ...given, budget })
    const settings = searchSettings.parse(given.settings ?? {})
    const root = await given.openSession()
    const search = new TreeSearch(attempt, root, settings)
    try {
      const ending = await endingOf(() => search.run())
      if (ending.failure) search.chooseLast()
      const nodes = search.nodes.map(({ step, order, depth, levels, end }) => ({ step, order, depth, levels, end }))
      return recordOf(attempt, ending, { name: dfsdt.name, settings }, { search: { nodes, episodes: search.episodes.counts } })
    } finally {
      root.close()
      await search.close()
    }
  },
}
