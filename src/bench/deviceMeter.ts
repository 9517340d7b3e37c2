/** Counts what any user of a device does to it: bytes alive and at their peak, submits, readbacks, CPU time spent encoding. */

export interface DeviceCounts {
  readonly submits: number
  /** Buffers mapped for reading. */
  readonly readbacks: number
  /** Those mapped after the first submit and before the last: a step that waits for itself. */
  readonly readbacksBetweenSubmits: number
  /** From making an encoder to the end of its submit. */
  readonly encodeMs: number
}

export interface DeviceMeter {
  readonly liveBytes: number
  readonly peakBytes: number
  liveBuffers(): readonly GPUBuffer[]
  /** Counts since the last call, and starts afresh. */
  take(): DeviceCounts
}

const MAP_READ = 1

/** Replaces methods of the device, its queue and its buffers; call it before the first buffer is made. */
export function meterDevice(device: GPUDevice, now: () => number): DeviceMeter {
  let live = 0
  const alive = new Set<GPUBuffer>()
  let peak = 0
  let submits = 0
  let readbacks = 0
  let between = 0
  let sinceSubmit = 0
  let encodeMs = 0
  let encodingSince: number | null = null

  const createBuffer = device.createBuffer.bind(device)
  device.createBuffer = (descriptor) => {
    const buffer = createBuffer(descriptor)
    const { size } = buffer
    live += size
    alive.add(buffer)
    peak = Math.max(peak, live)
    const destroy = buffer.destroy.bind(buffer)
    buffer.destroy = () => {
      if (alive.delete(buffer)) live -= size
      destroy()
      return undefined
    }
    const mapAsync = buffer.mapAsync.bind(buffer)
    buffer.mapAsync = (mode, ...range) => {
      if (mode === MAP_READ) {
        readbacks += 1
        if (submits > 0) sinceSubmit += 1
      }
      return mapAsync(mode, ...range)
    }
    return buffer
  }
  const createCommandEncoder = device.createCommandEncoder.bind(device)
  device.createCommandEncoder = (descriptor) => {
    encodingSince ??= now()
    return createCommandEncoder(descriptor)
  }
  const { queue } = device
  const submit = queue.submit.bind(queue)
  queue.submit = (commands) => {
    submits += 1
    between += sinceSubmit
    sinceSubmit = 0
    submit(commands)
    if (encodingSince !== null) encodeMs += now() - encodingSince
    encodingSince = null
    return undefined
  }
  return {
    get liveBytes() {
      return live
    },
    get peakBytes() {
      return peak
    },
    liveBuffers: () => [...alive],
    take() {
      const counts = { submits, readbacks, readbacksBetweenSubmits: between, encodeMs }
      submits = 0
      readbacks = 0
      between = 0
      sinceSubmit = 0
      encodeMs = 0
      return counts
    },
  }
}
