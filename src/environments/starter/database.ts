/** The facts of the world. Nothing is stored, because every value is a hash of (seed, subject, entity); the seed determines the whole database. */
import { createRng, philox4x32 } from '../../base/random'
import { kinds, subjects, type Kind, type Subject } from './catalog'
import { freshName } from './names'

export const splits = ['train', 'practice', 'dev', 'exam'] as const
export type Split = (typeof splits)[number]

const POOL: Readonly<Record<Split, number>> = { train: 150, practice: 40, dev: 24, exam: 40 }
const ALIASES: Readonly<Record<Split, number>> = { train: 20, practice: 8, dev: 4, exam: 8 }

// First stream numbers: each use of the seed draws from its own stream.
export const STREAM = { names: 1, tasks: 2, database: 3, expert: 4, drills: 5, corpus: 6 } as const

export interface Entity {
  readonly name: string
  readonly kind: Kind
  readonly split: Split
  readonly id: number
}

export interface Database {
  /** Every name of a use of the world, aliases too. */
  names(split: Split): readonly string[]
  pool(split: Split, kind: Kind): readonly Entity[]
  find(name: string): Entity | undefined
  /** The use of the world a name or alias belongs to. */
  splitOf(name: string): Split | undefined
  aliases(split: Split, kind: Kind): readonly string[]
  /** The true name behind an alias. */
  trueName(alias: string): string | undefined
  has(name: string): boolean
  /** Whether the fact is kept in `_log` rather than `_of`. */
  isLogged(subject: Subject, entity: Entity): boolean
  /** Whether the value comes in the unit that the query did not ask for. */
  isMisleading(subject: Subject, entity: Entity): boolean
  value(subject: Subject, entity: Entity, source: string, second: Entity | null): string
}

const subjectIndex = new Map(subjects.map((subject, index) => [subject, index]))

/** Everything that has a name, drawn once from the seed. */
interface Names {
  readonly taken: ReadonlySet<string>
  readonly entities: readonly Entity[]
  readonly byName: ReadonlyMap<string, Entity>
  /** Entities by `split/kind`. */
  readonly pools: ReadonlyMap<string, readonly Entity[]>
  /** Aliases by `split/kind`. */
  readonly aliasPools: ReadonlyMap<string, readonly string[]>
  readonly trueNames: ReadonlyMap<string, string>
  readonly splitOfName: ReadonlyMap<string, Split>
}

/** Draws all names of all splits, no name twice. */
function drawNames(seed: number): Names {
  const rng = createRng(seed, STREAM.names)
  const taken = new Set<string>()
  const entities: Entity[] = []
  const byName = new Map<string, Entity>()
  const pools = new Map<string, Entity[]>()
  const aliasPools = new Map<string, string[]>()
  const trueNames = new Map<string, string>()
  const splitOfName = new Map<string, Split>()
  for (const split of splits) {
    for (const kind of kinds) {
      const pool: Entity[] = []
      for (let i = 0; i < POOL[split]; i++) {
        const entity = { name: freshName(rng, taken), kind, split, id: entities.length }
        entities.push(entity)
        pool.push(entity)
        byName.set(entity.name, entity)
        splitOfName.set(entity.name, split)
      }
      pools.set(`${split}/${kind}`, pool)
      const aliases = Array.from({ length: ALIASES[split] }, () => freshName(rng, taken))
      for (const alias of aliases) {
        trueNames.set(alias, rng.pick(pool).name)
        splitOfName.set(alias, split)
      }
      aliasPools.set(`${split}/${kind}`, aliases)
    }
  }
  return { taken, entities, byName, pools, aliasPools, trueNames, splitOfName }
}

export function createDatabase(seed: number): Database {
  const { taken, entities, byName, pools, aliasPools, trueNames, splitOfName } = drawNames(seed)
  const draw = (subject: Subject, entity: Entity, aspect: number, other: number) =>
    philox4x32([subjectIndex.get(subject) ?? 0, entity.id, aspect, other], [seed >>> 0, STREAM.database])

  const pool = (split: Split, kind: Kind): readonly Entity[] => pools.get(`${split}/${kind}`) ?? []

  return {
    names: (split) => [
      ...entities.filter((entity) => entity.split === split).map((entity) => entity.name),
      ...kinds.flatMap((kind) => aliasPools.get(`${split}/${kind}`) ?? []),
    ],
    pool,
    find: (name) => byName.get(name),
    splitOf: (name) => splitOfName.get(name),
    aliases: (split, kind) => aliasPools.get(`${split}/${kind}`) ?? [],
    trueName: (alias) => trueNames.get(alias),
    has: (name) => taken.has(name),
    isLogged: (subject, entity) => subject.variants === undefined && draw(subject, entity, 1, 0)[0] % 4 === 0,
    isMisleading: (subject, entity) => subject.units !== undefined && draw(subject, entity, 2, 0)[0] % 2 === 0,
    value(subject, entity, source, second) {
      // Day and night differ by construction: their aspects are drawn from halves of different parity.
      const variant = source === 'day' ? 1 : source === 'night' ? 2 : 0
      const [a, b] = draw(subject, entity, 3, second ? second.id + 1 : 0)
      if (subject.yields === 'number') {
        const base = a % 2 === 0 ? 10 + (b % 88) : 100 + (b % (subject.units ? 480 : 880))
        return String(variant === 2 ? base + 1 + ((a >>> 8) % 9) : base)
      }
      const candidates = pool(entity.split, subject.yields)
      const found = candidates[b % candidates.length]
      const chosen = found?.name === entity.name ? candidates[(b + 1) % candidates.length] : found
      if (!chosen) throw new Error(`no ${subject.yields} in ${entity.split}`)
      return chosen.name
    },
  }
}
