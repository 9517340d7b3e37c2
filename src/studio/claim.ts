/** Work that one studio at a time may do, among all that share a store. */

/** A name that one studio at a time may have. */
export type Claim =
  | {
      readonly ok: true
      release(): void
      /** One sentence where an earlier owner had ended without releasing it; else null. */
      readonly takenOver: string | null
    }
  /** `owner` ends a sentence: `in another tab, since …`, `in process 4242 on box, since …`. */
  | { readonly ok: false; readonly owner: string }

/** Claims a name for as long as the studio lives, or until released. */
export type ClaimName = (name: string) => Promise<Claim>
