/**
 * The tools. A tool is a subject (`home`), an API is a subject with a suffix (`home_of`, `home_log`): the subject is the
 * word a query uses, the suffix is the source or the variant. Everything else in the world is derived from this table.
 */

export const kinds = ['person', 'city', 'film', 'coin', 'river', 'feast', 'song', 'farm'] as const
export type Kind = (typeof kinds)[number]

export interface Subject {
  readonly word: string
  readonly category: string
  readonly of: Kind
  /** What it yields: an entity of a kind, or a number. */
  readonly yields: Kind | 'number'
  /** `seen` in training; `tool`: an unseen tool of a seen category; `category`: a tool of an unseen category. */
  readonly held: 'seen' | 'tool' | 'category'
  /** APIs `_day` and `_night` instead of `_of`. */
  readonly variants?: true
  /** The value comes in one of two units, and the query asks for the second. */
  readonly units?: readonly [given: string, asked: string]
  /** Name of a second parameter. */
  readonly second?: string
}

type Row = readonly [
  word: string,
  of: Kind,
  yields: Kind | 'number',
  extra?: Partial<Pick<Subject, 'held' | 'variants' | 'units' | 'second'>>,
]

const unseenTool = { held: 'tool' } as const
const table: Readonly<Record<string, readonly Row[]>> = {
  people: [
    ['home', 'person', 'city'],
    ['boss', 'person', 'person'],
    ['friend', 'person', 'person'],
    ['age', 'person', 'number'],
    ['phone', 'person', 'number'],
    ['rival', 'person', 'person', unseenTool],
    ['debt', 'person', 'number', unseenTool],
  ],
  films: [
    ['maker', 'film', 'person'],
    ['star', 'film', 'person'],
    ['sequel', 'film', 'film'],
    ['year', 'film', 'number'],
    ['score', 'film', 'number'],
    ['cost', 'film', 'number', unseenTool],
  ],
  weather: [
    ['rain', 'city', 'number'],
    ['wind', 'city', 'number'],
    ['heat', 'city', 'number', { variants: true }],
    ['snow', 'city', 'number', unseenTool],
  ],
  travel: [
    ['fare', 'city', 'number', { variants: true }],
    ['trip', 'city', 'number', { second: 'to' }],
    ['cargo', 'city', 'number', { units: ['lb', 'kg'] }],
    ['toll', 'city', 'number', unseenTool],
  ],
  money: [
    ['coin', 'city', 'coin'],
    ['rate', 'coin', 'number', { second: 'to' }],
    ['stock', 'coin', 'number'],
    ['tax', 'city', 'number'],
    ['loan', 'coin', 'number', unseenTool],
  ],
  places: [
    ['mayor', 'city', 'person'],
    ['river', 'city', 'river'],
    ['length', 'river', 'number', { units: ['mile', 'km'] }],
    ['depth', 'river', 'number'],
    ['mouth', 'river', 'city', unseenTool],
  ],
  calendar: [
    ['feast', 'city', 'feast'],
    ['date', 'feast', 'number'],
    ['guests', 'feast', 'number'],
    ['host', 'feast', 'person', unseenTool],
  ],
  music: [
    ['cover', 'song', 'song', { held: 'category' }],
    ['singer', 'song', 'person', { held: 'category' }],
    ['tempo', 'song', 'number', { held: 'category' }],
    ['rank', 'song', 'number', { held: 'category' }],
  ],
  farming: [
    ['twin', 'farm', 'farm', { held: 'category' }],
    ['owner', 'farm', 'person', { held: 'category' }],
    ['herd', 'farm', 'number', { held: 'category' }],
    ['field', 'farm', 'number', { held: 'category' }],
  ],
}

export const subjects: readonly Subject[] = Object.entries(table).flatMap(([category, rows]) =>
  rows.map(([word, of, yields, extra]): Subject => ({ word, category, of, yields, held: 'seen', ...extra })),
)

/** A callable API: `arguments` are its real parameters; documentation may list fewer. */
export interface Api {
  readonly name: string
  readonly category: string
  readonly parameters: readonly string[]
  readonly does:
    | { readonly kind: 'look'; readonly subject: Subject; readonly source: 'of' | 'log' | 'day' | 'night' }
    | { readonly kind: 'convert'; readonly from: string; readonly to: string; readonly factor: number }
    | { readonly kind: 'alias' }
    | { readonly kind: 'search' }
}

/** Unit conversions: what the second unit of a subject needs. */
export const conversions: readonly { readonly from: string; readonly to: string; readonly factor: number }[] = [
  { from: 'mile', to: 'km', factor: 1.609 },
  { from: 'lb', to: 'kg', factor: 0.454 },
]

export function sourcesOf(subject: Subject): readonly ('of' | 'log' | 'day' | 'night')[] {
  return subject.variants ? ['day', 'night'] : ['of', 'log']
}

export const apis: readonly Api[] = [
  ...subjects.flatMap((subject) =>
    sourcesOf(subject).map((source): Api => ({
      name: `${subject.word}_${source}`,
      category: subject.category,
      parameters: subject.second === undefined ? [subject.of] : [subject.of, subject.second],
      does: { kind: 'look', subject, source },
    })),
  ),
  ...conversions.map((conversion): Api => ({
    name: `${conversion.to}_from`,
    category: 'units',
    parameters: [conversion.from],
    does: { kind: 'convert', ...conversion },
  })),
  { name: 'alias_of', category: 'names', parameters: ['name'], does: { kind: 'alias' } },
  { name: 'search_for', category: 'names', parameters: ['name'], does: { kind: 'search' } },
]

const byName = new Map(apis.map((api) => [api.name, api]))

export function apiNamed(name: string): Api | undefined {
  return byName.get(name)
}

/** Families in which the expert mostly takes the wrong sibling, and categories in which it stops after one of two facts. */
export const misledFamilies: readonly string[] = ['fare']
export const hastyCategories: readonly string[] = ['people', 'films']
