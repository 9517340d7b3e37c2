/**
 * Seconds left at the rate measured: `spent` for what is done, and `since` then for the next, which may take longer than those before did.
 * Null while nothing says.
 */
export function secondsLeft(done: number, total: number, spent: number, since: number): number | null {
  if (done === 0 || total === 0) return null
  const left = Math.max(0, total - done)
  const expected = (spent / done) * left - since
  // Had the next ended just now, the others would take this long at the rate over all of the time.
  const least = ((spent + since) / (done + 1)) * Math.max(0, left - 1)
  return left === 1 && expected <= 0 ? null : Math.max(0, expected, least)
}
