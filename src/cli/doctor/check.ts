/** One line of what `hone doctor` found. */
export interface Check {
  readonly name: string
  readonly ok: boolean
  readonly detail: string
}

/** What `work` throws is the check's detail, and the check failed. */
export async function checked<T>(
  name: string,
  work: () => Promise<{ readonly detail: string; readonly value: T }>,
): Promise<[Check, T | null]> {
  try {
    const { detail, value } = await work()
    return [{ name, ok: true, detail }, value]
  } catch (error) {
    return [{ name, ok: false, detail: error instanceof Error ? error.message : String(error) }, null]
  }
}
