/** ToolHop as an environment: the Python functions of each item are run in an interpreter without network. */
import { sha256 } from '../../base/sha256'
import { EnvironmentError, type Environment, type EnvironmentDefinition, type Query } from '../environment'
import type { OpenPython, PythonSandbox } from '../pythonSandbox'
import type { WorldParts } from '../worldParts'
import { openEpisode } from './episode'
import { readToolHopItems, type ToolHopItem } from './items'
import { promptOf } from './prompts'
import { toolHopSettings } from './settings'
import toolSource from './toolhop.py?raw'

export const NAME = 'toolhop'
export const TITLE = 'ToolHop'
export const NEEDS = 'the file ToolHop.json (bytedance-research/ToolHop)'
const DESCRIPTION = 'Questions of three to seven hops, each with tools of its own: Python functions that are executed.'

export interface ToolHop extends Environment {
  readonly queries: readonly Query[]
  readonly answers: ReadonlyMap<string, string>
}

/** Rejects with EnvironmentError if the data or the settings do not fit, or if there is no Python interpreter here. */
export async function createToolHop({ files, python, settings = {}, now }: WorldParts): Promise<ToolHop> {
  if (!files) throw new EnvironmentError('unavailable', `${TITLE} needs ${NEEDS}.`)
  if (!python) throw new EnvironmentError('unavailable', `${TITLE} needs a Python interpreter, which this host does not have.`)
  const parsed = toolHopSettings.safeParse(settings)
  if (!parsed.success) throw new EnvironmentError('unavailable', `The settings of ${TITLE}: ${parsed.error.issues[0]?.message ?? ''}.`)
  const { scenario, scoring } = parsed.data
  const list = (await readToolHopItems(files)).map((item) => (scenario === 'direct' ? { ...item, tools: [], functions: [] } : item))
  const items = new Map(list.map((item) => [item.id, item]))
  const interpreter = openOnce(python)
  const queries = list.map((item, index): Query => ({
    ...{ query_id: item.id, index, text: item.question, group: item.domain || 'all', split: 'exam' },
    ...{ goldTools: item.tools.map(({ name }) => name), entities: [] },
    messages: [{ role: 'user', content: promptOf(scenario, item.question) }],
  }))
  const everything = toTry(list)
  return {
    ...{ name: NAME, title: TITLE, description: DESCRIPTION, tools: everything.tools, queries },
    answers: new Map(list.map(({ id, answer }) => [id, answer])),
    hash: sha256(JSON.stringify([1, scenario, scoring, toolSource, list])),
    async open(query, { signal } = {}) {
      signal?.throwIfAborted()
      const item = query === null ? everything : items.get(query.query_id)
      if (!item) throw new EnvironmentError('unknown-query', `${TITLE} has no item ${query?.query_id ?? ''}.`)
      return openEpisode({ item, query: query ?? noQuery, scoring, python: await interpreter(), now })
    },
  }
}

const noQuery: Query = { query_id: '', index: 0, text: '', group: '', split: '', goldTools: [], entities: [] }

/** All tools, each name once, for trying them by hand. */
function toTry(items: readonly ToolHopItem[]): ToolHopItem {
  const tools = new Map(items.flatMap((item) => item.tools.map((tool) => [tool.name, tool] as const)).reverse())
  // Where several items define a function of one name, the first one is tried.
  const functions = items.flatMap((item) => item.functions).reverse()
  return { id: '', question: '', answer: '', tools: [...tools.values()].reverse(), functions, domain: '', answerType: '' }
}

/** One interpreter for all episodes: calls keep nothing in it. A failed start is tried again. */
function openOnce(openPython: OpenPython): () => Promise<PythonSandbox> {
  let opened: Promise<PythonSandbox> | null = null
  return async () => {
    opened ??= openPython({ setup: toolSource })
    try {
      return await opened
    } catch (error) {
      opened = null
      throw new EnvironmentError('unavailable', error instanceof Error ? error.message : String(error))
    }
  }
}

export const toolHopEnvironment: EnvironmentDefinition = {
  ...{ name: NAME, title: TITLE, description: DESCRIPTION, needs: NEEDS, settings: toolHopSettings },
  create: createToolHop,
}
