/** Maps every setting of a recipe to another program's configuration; no setting is dropped without a remark. */

/** The fields that a setting becomes; or why there are none, or in what they differ. */
export interface FieldMapping {
  /** Dotted name in the other configuration → value. */
  readonly to?: Readonly<Record<string, unknown>>
  /** Why the setting has no field there, or how that field differs. */
  readonly unmapped?: string
  /** Why no field is needed: the other program does the same by default. */
  readonly implied?: string
}

/** One mapping for every setting: a setting added to an algorithm does not compile until it has one. */
export type FieldMappings<Settings> = { readonly [Setting in keyof Settings]-?: FieldMapping }

export const mapsTo = (to: Readonly<Record<string, unknown>>): FieldMapping => ({ to })
/** Maps a setting to fields with a difference that the reader must know. */
export const approximate = (to: Readonly<Record<string, unknown>>, difference: string): FieldMapping => ({ to, unmapped: difference })
export const unmapped = (reason: string): FieldMapping => ({ unmapped: reason })
export const implied = (reason: string): FieldMapping => ({ implied: reason })
/** For something that the other program does in only one way: `implied` if the setting says the same, otherwise `unmapped`. */
export const fixedValue = (isSame: boolean, reason: string): FieldMapping => (isSame ? implied(reason) : unmapped(reason))
