/** A field of a file that was read or written, and what a reader should know of it. */
export interface FieldRemark {
  readonly field: string
  readonly value: unknown
  /** One sentence. */
  readonly reason: string
}
