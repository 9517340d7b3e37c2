/** The multi-turn part of the Berkeley Function Calling Leaderboard as an environment: eight API classes with state, in a Python interpreter. */
import { sha256 } from '../../base/sha256'
import type { ToolSpec } from '../../records/trajectory'
import { EnvironmentError, type Environment, type EnvironmentDefinition, type Query } from '../environment'
import type { WorldParts } from '../worldParts'
import { initialState, openEpisode } from './episode'
import { readMultiTurnData, type MultiTurnData, type MultiTurnItem } from './items'
import { openMultiTurnJudge, type MultiTurnJudge } from './judge'

export const NAME = 'bfcl-multi-turn'
export const TITLE = 'BFCL multi-turn'
export const NEEDS = 'the package bfcl_eval as its wheel (pip download --no-deps bfcl-eval) or unpacked'
const DESCRIPTION = 'Tasks in several turns over eight APIs with state, of the Berkeley Function Calling Leaderboard; they run in Python.'

export interface MultiTurnWorld extends Environment {
  readonly items: readonly MultiTurnItem[]
}

/** Rejects with EnvironmentError if the data do not fit, or if there is no Python interpreter here. */
export async function createMultiTurnWorld({ files, python, now }: WorldParts): Promise<MultiTurnWorld> {
  if (!files) throw new EnvironmentError('unavailable', `${TITLE} needs ${NEEDS}.`)
  if (!python) throw new EnvironmentError('unavailable', `${TITLE} needs a Python interpreter, which this host does not have.`)
  const data = await readMultiTurnData(files)
  const items = new Map(data.items.map((item) => [item.id, item]))
  const tools = distinctTools(data.items)
  let judge: Promise<MultiTurnJudge> | null = null
  async function judgeOnce(): Promise<MultiTurnJudge> {
    judge ??= openMultiTurnJudge(python as NonNullable<typeof python>, data)
    try {
      return await judge
    } catch (error) {
      judge = null
      throw new EnvironmentError('unavailable', error instanceof Error ? error.message : String(error))
    }
  }
  return {
    ...{ name: NAME, title: TITLE, description: DESCRIPTION, tools, items: data.items },
    hash: sha256(JSON.stringify([1, data.sources, data.items.map(({ entryText, truthText }) => [entryText, truthText])])),
    async open(query, { signal } = {}) {
      signal?.throwIfAborted()
      const item = query === null ? itemToTry(data, tools) : items.get(query.query_id)
      if (!item) throw new EnvironmentError('unknown-query', `${TITLE} has no item ${query?.query_id ?? ''}.`)
      return openEpisode({ item, query: query ?? queryOf(item, 0), judge: await judgeOnce(), now }, initialState(item))
    },
  }
}

export const queryOf = ({ id, category, turns, rightCalls }: MultiTurnItem, index: number): Query => ({
  ...{ query_id: id, index, text: turns[0] ?? '', group: category, split: 'exam', entities: [] },
  goldTools: rightCalls.flat().flatMap((call) => /^\w+/.exec(call)?.[0] ?? []),
})

/** Several classes may have a tool of one name; each name is offered once. */
function distinctTools(items: readonly MultiTurnItem[]): ToolSpec[] {
  const all = items.flatMap(({ tools, later }) => [...tools, ...[...later.values()].flat()])
  return [...new Map(all.map((tool) => [tool.name, tool])).values()]
}

/** For trying tools by hand: every class in the state that it has without a configuration. */
function itemToTry({ items }: MultiTurnData, tools: readonly ToolSpec[]): MultiTurnItem {
  const classes = [...new Set(items.flatMap(({ classes: involved }) => involved))]
  const entry = { id: 'multi_turn_try_0', involved_classes: classes, initial_config: {} }
  return {
    ...{ id: entry.id, category: 'base', turns: [''], tools, later: new Map(), rightCalls: [], classes },
    ...{ entryText: JSON.stringify(entry), truthText: JSON.stringify({ id: entry.id, ground_truth: [[]] }) },
  }
}

export const multiTurnEnvironment: EnvironmentDefinition = {
  ...{ name: NAME, title: TITLE, description: DESCRIPTION, needs: NEEDS },
  create: createMultiTurnWorld,
}
