/** How an algorithm's settings are written for other programs and read from their files. The algorithm's folder has the answers. */
import type { FieldRemark } from '../../records/fieldRemark'
import type { FieldMappings } from './fieldMapping'

export type Fields = Readonly<Record<string, unknown>>

/** The fields of a recipe besides the algorithm's settings. */
export interface RunFields {
  readonly seed: number | null
  readonly steps: number | null
  /** As `hone train --model` takes it. */
  readonly model: string | null
  readonly data: readonly string[]
  /** As `hone train --init-adapter` takes it. */
  readonly init_adapter: string | null
}

/** A configuration to write. */
export interface RecipeMapping<Settings> {
  /** The release that the names belong to, as pip takes it: `trl==1.16.0`. */
  readonly requires: string
  readonly run: FieldMappings<RunFields>
  readonly settings: FieldMappings<Settings>
  /** Dotted names and values that hold for every recipe. */
  readonly always: Fields
}

/** How TRL's fields are read. Fields of the same meaning in every trainer are read by recipes/fromTrl.ts. */
export interface TrlImport {
  /** The class of the trainer's arguments, as GRPOConfig. */
  readonly configClass: string
  /** A setting that tells the algorithm from another of the same class: files that Hone wrote list it. */
  readonly ownSetting?: string
  /** Whether fields without a class's name are of this trainer. */
  readonly claims: (fields: Fields) => boolean
  /** TRL's defaults, under Hone's names, where they are not Hone's. */
  readonly defaults: Fields
  /** Fields that are no settings, but that `settle` needs: they are passed to it among the settings. */
  readonly settledFields?: readonly string[]
  /** Settings that follow from several fields together: changes `config`, and adds remarks. */
  settle?(reading: { readonly config: Record<string, unknown>; readonly ignored: FieldRemark[]; readonly assumed: FieldRemark[] }): void
}

/** How StepTool's StepTool_ppo.json is read. */
export interface SteptoolImport {
  /** Defaults of TRL's PPOConfig that are not Hone's. */
  readonly defaults: Fields
  /** Hone's defaults that are not what StepTool's released code does. */
  readonly departures: readonly FieldRemark[]
}

/** How a flat settings file of the algorithm's released code is read. */
export interface ReleasedImport {
  /** Whose file it is, and two of its fields, for a sentence: `ArCHer’s settings (lm_lr, critic_lr, …)`. */
  readonly title: string
  readonly claims: (fields: Fields) => boolean
  /** The file's name of a field → the setting. */
  readonly settings: Readonly<Record<string, string>>
  readonly modelField: string
  readonly dataField: string
  /** Fields that change nothing here → why. */
  readonly withoutEffect: Readonly<Record<string, string>>
  /** Settings the released code follows without having a field for them. */
  readonly fixed: Fields
  /** Why they are what they are. */
  readonly fixedReason: string
}

/** The programs an algorithm's recipes go to and come from; what is left out has no counterpart there. */
export interface RecipeInterop<Settings> {
  toTrl?(settings: Settings, run: RunFields): RecipeMapping<Settings>
  toVerl?(settings: Settings, run: RunFields): RecipeMapping<Settings>
  readonly fromTrl?: TrlImport
  readonly fromSteptool?: SteptoolImport
  readonly fromReleased?: ReleasedImport
}
