/**
 * While anything is awaited of the GPU, Dawn in Node asks for news in a loop of `setImmediate`: one core at full load. A software adapter computes
 * on those cores (on two of them the loop costs a third of its speed), so there the loop is slowed to a look every millisecond.
 */
const QUICK_LOOKS = 10
/** A pause this long, in milliseconds, begins a new wait. */
const NEW_WAIT_MS = 5

export function calmPolling(): void {
  const immediately = globalThis.setImmediate
  let looks = 0
  let lastLook = 0
  const calm = (callback: (...given: unknown[]) => void, ...given: unknown[]): unknown => {
    // Dawn's callback is the only one without a source.
    if (!Function.prototype.toString.call(callback).includes('[native code]')) return immediately(callback, ...given)
    const now = performance.now()
    looks = now - lastLook > NEW_WAIT_MS ? 1 : looks + 1
    lastLook = now
    // Short waits are not made longer.
    return looks <= QUICK_LOOKS ? immediately(callback, ...given) : setTimeout(callback, 1, ...given)
  }
  globalThis.setImmediate = Object.assign(calm as typeof immediately, immediately)
}
