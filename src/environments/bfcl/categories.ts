/**
 * The categories of the Berkeley Function Calling Leaderboard, version 4: what each asks for, how it is judged, and what it weighs in the
 * published total. Single-turn categories are judged from the calls alone; the others need the benchmark's Python classes.
 */

export type Language = 'python' | 'java' | 'javascript'

/** How an answer of a category is judged: against one call, one call among several functions, a set of calls, or for whether it calls at all. */
export type CheckRule = 'simple' | 'multiple' | 'parallel' | 'irrelevance' | 'relevance'

/** The part of the total that a category belongs to; `relevance` is reported and weighs nothing. */
export type CategoryGroup = 'non_live' | 'live' | 'irrelevance' | 'relevance' | 'multi_turn' | 'agentic'

export interface Category {
  readonly name: string
  readonly group: CategoryGroup
  /** null: judged by running the calls in the benchmark's Python classes. */
  readonly check: { readonly rule: CheckRule; readonly language: Language } | null
}

const single = (name: string, group: CategoryGroup, rule: CheckRule, language: Language = 'python'): Category => ({
  ...{ name, group },
  check: { rule, language },
})
const inPython = (name: string, group: CategoryGroup): Category => ({ name, group, check: null })

export const categories: readonly Category[] = [
  single('simple_python', 'non_live', 'simple'),
  single('simple_java', 'non_live', 'simple', 'java'),
  single('simple_javascript', 'non_live', 'simple', 'javascript'),
  single('multiple', 'non_live', 'multiple'),
  single('parallel', 'non_live', 'parallel'),
  single('parallel_multiple', 'non_live', 'parallel'),
  single('irrelevance', 'irrelevance', 'irrelevance'),
  single('live_simple', 'live', 'simple'),
  single('live_multiple', 'live', 'multiple'),
  single('live_parallel', 'live', 'parallel'),
  single('live_parallel_multiple', 'live', 'parallel'),
  single('live_irrelevance', 'irrelevance', 'irrelevance'),
  single('live_relevance', 'relevance', 'relevance'),
  inPython('multi_turn_base', 'multi_turn'),
  inPython('multi_turn_miss_func', 'multi_turn'),
  inPython('multi_turn_miss_param', 'multi_turn'),
  inPython('multi_turn_long_context', 'multi_turn'),
  inPython('web_search_base', 'agentic'),
  inPython('web_search_no_snippet', 'agentic'),
  inPython('memory_kv', 'agentic'),
  inPython('memory_vector', 'agentic'),
  inPython('memory_rec_sum', 'agentic'),
]

export type SingleTurnCategory = Category & { readonly check: NonNullable<Category['check']> }

export const singleTurnCategories: readonly SingleTurnCategory[] = categories.filter(
  (category): category is SingleTurnCategory => category.check !== null,
)

export const categoryNamed = (name: string): Category | null => categories.find((category) => category.name === name) ?? null

/** The category of an item: its id without the last part, `live_multiple_862-181-3` → `live_multiple`. */
export const categoryOfId = (id: string): string => id.slice(0, Math.max(0, id.lastIndexOf('_')))

/** Whether a category has right answers in a file; relevance and irrelevance are judged without. */
export const hasAnswers = ({ check }: SingleTurnCategory): boolean => check.rule !== 'irrelevance' && check.rule !== 'relevance'
