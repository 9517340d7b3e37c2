/** Counts what any user of a device does to it: bytes alive and at their peak, submits, readbacks, CPU time spent encoding. */

export interface DeviceCounts {
  readonly submits: number
  /** Buffers mapped for reading. */
  readonly readbacks: number
  /** Buffers mapped after the first submit and before the last: the step waits for itself. */
  readonly readbacksBetweenSubmits: number
  /** CPU time from making an encoder to the end of its submit. */
  readonly encodeMs: number
}

export interface DeviceMeter {
  readonly liveBytes: number
  readonly peakBytes: number
  liveBuffers(): readonly GPUBuffer[]
  /** The counts since the last call; they begin again at 0. */
  take(): DeviceCounts
}

const MAP_READ = 1

/** Replaces methods of the device, its queue and its buffers; call it before the first buffer is made. */
export function meterDevice(device: GPUDevice, now: () => number): DeviceMeter {
  const counters = new Counters()
  const createBuffer = device.createBuffer.bind(device)
  device.createBuffer = (descriptor) => meterBuffer(createBuffer(descriptor), counters)
  let encodingSince: number | null = null
  const createCommandEncoder = device.createCommandEncoder.bind(device)
  device.createCommandEncoder = (descriptor) => {
    encodingSince ??= now()
    return createCommandEncoder(descriptor)
  }
  const { queue } = device
  const submit = queue.submit.bind(queue)
  queue.submit = (commands) => {
    counters.beginSubmit()
    submit(commands)
    if (encodingSince !== null) counters.encodeMs += now() - encodingSince
    encodingSince = null
    return undefined
  }
  return {
    get liveBytes() {
      return counters.liveBytes
    },
    get peakBytes() {
      return counters.peakBytes
    },
    liveBuffers: () => [...counters.alive],
    take: () => counters.take(),
  }
}

/** Counts `buffer` as alive until it is destroyed, and its mappings for reading; returns it. */
function meterBuffer(buffer: GPUBuffer, counters: Counters): GPUBuffer {
  const { size } = buffer
  counters.add(buffer, size)
  const destroy = buffer.destroy.bind(buffer)
  buffer.destroy = () => {
    counters.remove(buffer, size)
    destroy()
    return undefined
  }
  const mapAsync = buffer.mapAsync.bind(buffer)
  buffer.mapAsync = (mode, ...range) => {
    if (mode === MAP_READ) counters.readback()
    return mapAsync(mode, ...range)
  }
  return buffer
}

class Counters {
  readonly alive = new Set<GPUBuffer>()
  liveBytes = 0
  peakBytes = 0
  encodeMs = 0
  #submits = 0
  #readbacks = 0
  #readbacksBetween = 0
  /** Readbacks since the last submit; whether they lie between two is known at the next one. */
  #sinceSubmit = 0

  add(buffer: GPUBuffer, bytes: number): void {
    this.liveBytes += bytes
    this.alive.add(buffer)
    this.peakBytes = Math.max(this.peakBytes, this.liveBytes)
  }

  /** A buffer may be destroyed twice; it counts once. */
  remove(buffer: GPUBuffer, bytes: number): void {
    if (this.alive.delete(buffer)) this.liveBytes -= bytes
  }

  beginSubmit(): void {
    this.#submits += 1
    this.#readbacksBetween += this.#sinceSubmit
    this.#sinceSubmit = 0
  }

  readback(): void {
    this.#readbacks += 1
    if (this.#submits > 0) this.#sinceSubmit += 1
  }

  /** The counts since the last call; they begin again at 0. */
  take(): DeviceCounts {
    const counts = {
      submits: this.#submits,
      readbacks: this.#readbacks,
      readbacksBetweenSubmits: this.#readbacksBetween,
      encodeMs: this.encodeMs,
    }
    this.#submits = 0
    this.#readbacks = 0
    this.#readbacksBetween = 0
    this.#sinceSubmit = 0
    this.encodeMs = 0
    return counts
  }
}
