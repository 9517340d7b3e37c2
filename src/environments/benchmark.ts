/** The seam to a benchmark: queries in splits, the environment they are asked in, what is measured, and what a result must state. */
import type { z } from 'zod'
import type { EvaluationRow } from '../records/evaluation'
import type { Trajectory, ToolCall } from '../records/trajectory'
import type { Environment, Query } from './environment'
import type { WorldParts } from './worldParts'

/** What a split may be used for. Models are trained on `train` and `practice`, and compared on `exam`; `dev` is for choosing settings. */
export type SplitUse = 'train' | 'practice' | 'dev' | 'exam'

export interface BenchmarkSplit {
  readonly name: string
  readonly use: SplitUse
  /** How many queries it has. */
  readonly queries: number
}

/** The limits of an attempt, unless a request sets others. */
export interface EpisodeLimits {
  /** Tool calls of an episode. */
  readonly toolCalls: number
  /** Tokens of the whole conversation. */
  readonly maxContext: number
  /** Tokens of one completion. */
  readonly maxNewTokens: number
}

/** The fields of an evaluation's row that scorers fill. */
export type Scores = Omit<EvaluationRow, 'query_id' | 'group' | 'repeat' | 'trajectory_id'>

/** Measures one attempt at one query: some fields of its row. */
export type Scorer = (trajectory: Trajectory, query: Query) => Partial<Scores>

/** Fields of an evaluation without which its numbers cannot be compared with another's. */
export type ResultField = 'call_budget' | 'world_hash' | 'judge' | 'prompt_hash' | 'strategy' | 'temperature' | 'sampling'

/** One message of an expert's transcript, in the compact syntax for calls. */
export interface TranscriptMessage {
  readonly role: 'system' | 'user' | 'assistant' | 'tool'
  readonly content: string
  /** A wrong call to recover from: it stands in the context and is not learned. */
  readonly isSlip?: true
}

/** Transcripts to imitate: a list whose entries are functions of (seed, index). */
export interface Transcripts {
  /** How many samples a recipe draws. */
  readonly length: number
  /** SHA-256 of the environment and the settings: the same one means the same transcripts. */
  readonly sha256: string
  transcript(index: number): readonly TranscriptMessage[]
}

/** An expert that solves the queries. */
export interface Expert {
  /** Settings of its transcripts, as a recipe names them. */
  readonly settings: z.ZodObject
  /** @param settings checked by the schema above; fields it does not have are ignored. */
  transcripts(seed: number, settings: Readonly<Record<string, unknown>>): Transcripts
  /** The right next call after the replies so far. */
  script(query: Query): (replies: readonly string[]) => ToolCall
}

export interface Benchmark {
  /** Its name in the catalogue. */
  readonly name: string
  readonly title: string
  readonly description: string
  readonly environment: Environment
  /** The splits, in the order in which a form offers them. */
  readonly splits: readonly BenchmarkSplit[]
  /** Throws EnvironmentError `unknown-split` for a split it does not have. */
  queries(split: string): readonly Query[]
  /** Scorers besides those that every result has: names of `evaluation/scorers`, or functions of its own. */
  readonly scorers: readonly (string | Scorer)[]
  /** Names that only the exam may mention: an attempt at another query that holds one is not trained on. */
  readonly heldOut: ReadonlySet<string>
  readonly limits: EpisodeLimits
  /** Who decides whether an answer is right; results state it. */
  readonly judge: string
  readonly mustState: readonly ResultField[]
  /** When absent, there is no expert to imitate. */
  readonly expert?: Expert
}

/** An entry of the catalogue: a benchmark that is created when it is needed. */
export interface BenchmarkDefinition {
  readonly name: string
  readonly title: string
  readonly description: string
  /** Name of its environment in the catalogue. */
  readonly environment: string
  /** What the user must give, as a noun phrase: `the file ToolHop.json`; absent: nothing. */
  readonly needs?: string
  /** What it is made from may change while Hone runs, such as the tools of a server. */
  readonly canChange?: true
  /** Settings that the user may choose; absent: there are none. */
  readonly settings?: z.ZodObject
  /** Present where a chat model can play its tools. */
  readonly usesSimulator?: true
  /** Throws EnvironmentError, or rejects with it, if the data or the settings do not fit. */
  create(parts: WorldParts): Benchmark | Promise<Benchmark>
}

/** One that the user need not give anything for: it is there at once. */
export interface BuiltInBenchmark extends BenchmarkDefinition {
  readonly needs?: never
  create(parts: WorldParts): Benchmark
}

export const isBuiltIn = (definition: BenchmarkDefinition): definition is BuiltInBenchmark => definition.needs === undefined

/** The first split of a use; throws a RangeError when the benchmark has none. */
export function splitFor(benchmark: Benchmark, use: SplitUse): string {
  const found = benchmark.splits.find((split) => split.use === use)
  if (!found) throw new RangeError(`${benchmark.title} has no split for ${use}.`)
  return found.name
}
