/** A dataset format recognises a file by its name and first characters, and reads it into records. */
import type { Opinion } from '../../records/annotation'
import type { Trajectory } from '../../records/trajectory'
import type { Problem } from '../../records/dataset'

export interface FormatSource {
  readonly name: string
  /** Text of the file, `\n` line ends, no byte order mark. */
  readonly text: AsyncIterable<string>
  /** ISO time to stamp on what the file says. */
  readonly importedAt: string
}

export type FormatItem =
  /** A row that was read. Ids are local to the file; importDataset puts them inside the data set. */
  | {
      readonly kind: 'trajectory'
      readonly trajectory: Trajectory
      readonly opinions: readonly Opinion[]
      /** A further trajectory of the row before. */
      readonly isSameRow?: boolean
    }
  /** `rejects` is false when the row, or the file, was kept all the same. */
  | { readonly kind: 'problem'; readonly problem: Problem; readonly rejects: boolean }
  /** A configuration file: what was understood, what it will not change and why. */
  | { readonly kind: 'settings'; readonly settings: ImportedSettings }

export interface ImportedSettings {
  /** LoRA arguments under peft's names. */
  readonly peft: Readonly<Record<string, unknown>>
  /** PPO arguments under TRL 0.10's names. */
  readonly ppo: Readonly<Record<string, unknown>>
  readonly ignored: readonly { readonly field: string; readonly value: unknown; readonly reason: string }[]
}

export interface DatasetFormat {
  readonly name: string
  readonly title: string
  /** 0: not this format · 1: certainly. Between: only if nothing better is found; reading will then say what is missing. */
  recognise(name: string, head: string): number
  read(source: FormatSource): AsyncGenerator<FormatItem>
}
