/** The starter world, which is deterministic and follows from a seed. */
import { createRng } from '../../base/random'
import { sha256 } from '../../base/sha256'
import { EnvironmentError, type Environment, type Query } from '../environment'
import { formatTools } from '../compactSyntax'
import { apis, conversions } from './catalog'
import { createDatabase, splits, STREAM, type Database, type Split } from './database'
import { asEpisode, openEpisode, type StarterEpisode } from './episode'
import { toolSpec } from './listing'
import { groups, type Group, type Task } from './plan'
import { drawTask, weighted } from './tasks'
import { groupWeights, queryCounts, USUAL_VERSION, type WorldVersion } from './version'

export function drawGroup(rng: ReturnType<typeof createRng>, kind: 'seen' | 'examined', version: WorldVersion): Group {
  return weighted(
    rng,
    groups.map((group) => [group, groupWeights[version][kind][group]] as const),
  )
}

export const NAME = 'starter'
export const TITLE = 'Starter world'
export const DESCRIPTION =
  'An invented world of eleven categories of tools, drawn from one seed: chained look-ups, errors one can recover from, and answers that are checked exactly.'

export interface StarterWorld extends Environment {
  readonly seed: number
  readonly version: WorldVersion
  readonly splits: readonly Split[]
  /** Names that only the exam may mention. */
  readonly heldOut: ReadonlySet<string>
  queries(split: string): readonly Query[]
  readonly database: Database
  /** The gold plan behind a query of this world. */
  task(query: Query): Task
  /** An episode without waiting. The same query and the same calls give the same replies. */
  start(query: Query): StarterEpisode
  /** Starts an episode of a task that is not in a fixed list. */
  startTask(task: Task): StarterEpisode
}

function drawSplit(db: Database, { seed, version }: Drawing, split: Split, firstIndex: number): Task[] {
  const kind = split === 'exam' || split === 'dev' ? 'examined' : 'seen'
  const total = queryCounts[version][split]
  const weights = groupWeights[version][kind]
  // Strata have fixed sizes, so that a group's share does not depend on luck.
  const weightSum = Object.values(weights).reduce((a, b) => a + b, 0)
  let reached = 0
  const order = groups.flatMap((group) => {
    const before = Math.round((reached / weightSum) * total)
    reached += weights[group]
    return Array.from({ length: Math.round((reached / weightSum) * total) - before }, () => group)
  })
  const texts = new Set<string>()
  return createRng(seed, STREAM.tasks, splits.indexOf(split))
    .shuffle(order)
    .map((group, ordinal) => {
      const rng = createRng(seed, STREAM.tasks, splits.indexOf(split), ordinal + 1)
      for (;;) {
        const task = drawTask(db, rng, { split, group, version, queryId: queryId(version, split, ordinal), index: firstIndex + ordinal })
        if (texts.has(task.query.text)) continue
        texts.add(task.query.text)
        return task
      }
    })
}

/** What decides a world. */
interface Drawing {
  readonly seed: number
  readonly version: WorldVersion
}

/** Versions ask different questions under the same number, so their ids differ. */
const queryId = (version: WorldVersion, split: Split, ordinal: number): string =>
  `starter${version === USUAL_VERSION ? '' : `-v${version}`}-${split}-${ordinal}`

/** The tasks of every split, in order; their indices run on from split to split. */
function drawSplits(database: Database, drawing: Drawing): ReadonlyMap<string, readonly Task[]> {
  const drawn = new Map<string, readonly Task[]>()
  let index = 0
  for (const split of splits) {
    const tasks = drawSplit(database, drawing, split, index)
    index += tasks.length
    drawn.set(split, tasks)
  }
  return drawn
}

/** SHA-256 of everything that defines the world: tools, names, and all tasks with the facts that count as answers. */
function hashOf(database: Database, { seed, version }: Drawing, tasks: readonly Task[]): string {
  return sha256(
    JSON.stringify({
      version,
      seed,
      apis,
      conversions,
      names: splits.map((split) => database.names(split)),
      // Observations follow from the seed; these are the questions, and what counts as their answers.
      tasks: tasks.map(({ query, context, facts, quotaAt, tools, decoy }) => [
        ...[query, context, facts, quotaAt, formatTools(tools)],
        ...(decoy === null ? [] : [decoy]),
      ]),
    }),
  )
}

export function createStarterWorld(seed = 7, version: WorldVersion = USUAL_VERSION): StarterWorld {
  const database = createDatabase(seed)
  const drawn = drawSplits(database, { seed, version })
  const all = [...drawn.values()].flat()
  const tasks = new Map(all.map((task) => [task.query.query_id, task]))
  const lists = new Map([...drawn].map(([split, list]) => [split, list.map(({ query }) => query)]))
  const tools = apis.map((api) => toolSpec(api.name))
  const task = (query: Query): Task => {
    const found = tasks.get(query.query_id)
    if (!found) throw new EnvironmentError('unknown-query', `The starter world has no query ${query.query_id}.`)
    return found
  }
  /** Every call is the first of a task without a quota, which shows what the tool itself says. */
  const free = (): StarterEpisode => {
    const plain = (lists.get('practice') ?? []).map(task).find(({ quotaAt }) => quotaAt === null)
    if (!plain) throw new EnvironmentError('unknown-query', 'The starter world has no query to call a tool with.')
    return openEpisode(database, { ...plain, tools })
  }
  return {
    name: NAME,
    title: TITLE,
    description: DESCRIPTION,
    hash: hashOf(database, { seed, version }, all),
    tools,
    splits,
    seed,
    version,
    database,
    heldOut: new Set(database.names('exam')),
    queries: (split) => {
      const found = lists.get(split)
      if (!found) throw new EnvironmentError('unknown-split', `The starter world has no split ${split}; it has ${splits.join(', ')}.`)
      return found
    },
    task,
    open: async (query, { signal } = {}) => {
      signal?.throwIfAborted()
      return Promise.resolve(asEpisode(query ? openEpisode(database, task(query)) : free()))
    },
    start: (query) => openEpisode(database, task(query)),
    startTask: (drawn) => openEpisode(database, drawn),
  }
}
