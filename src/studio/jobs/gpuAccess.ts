/** Opens the GPU once, describes its state, and notices when it is lost. */
import { EngineDevice } from '../../engine/device/engineDevice'
import type { GpuInfo } from '../../records/run'
import type { GpuStatus, Reply } from '../../worker/protocol'
import { accept, refuse, sentenceOf } from '../failure'
import type { StudioParts } from '../parts'

/** WebGPU's own default limits: every kernel has a variant within them. */
const NEEDED_LIMITS = {
  maxStorageBuffersPerShaderStage: 8,
  maxComputeInvocationsPerWorkgroup: 256,
  maxComputeWorkgroupStorageSize: 16_384,
  maxStorageBufferBindingSize: 128 << 20,
} as const

export interface OpenGpu {
  readonly engine: EngineDevice
  readonly report: GpuInfo
}

export interface GpuAccess {
  status(): Promise<GpuStatus>
  /** The device to compute on; a refusal says why there is none. */
  open(): Promise<Reply<OpenGpu>>
  /** The adapter as far as it is known without opening one. */
  known(): GpuInfo | null
  /** Gives the device up with everything on it; the next question opens another. */
  renew(): void
  /** Sends the page how much is allocated now. */
  announce(): void
}

type State = ({ readonly ok: true } & OpenGpu) | { readonly ok: false; readonly cause: string; readonly message: string }

export function createGpuAccess(parts: Pick<StudioParts, 'openDevice'>, announce: (status: GpuStatus) => void): GpuAccess {
  let opening: Promise<State> | null = null
  let known: State | null = null

  async function openNow(): Promise<State> {
    let opened: Awaited<ReturnType<StudioParts['openDevice']>>
    try {
      opened = await parts.openDevice()
    } catch (error) {
      return { ok: false, cause: 'no-device', message: sentenceOf(error) }
    }
    if (!opened.ok) return opened
    const { device, report } = opened
    for (const [name, needed] of Object.entries(NEEDED_LIMITS)) {
      const found = report.limits[name]
      if (found !== undefined && found < needed) {
        device.destroy()
        return { ok: false, cause: 'too-small', message: `The GPU offers ${name} ${found}; Hone needs ${needed}.` }
      }
    }
    const state: State = { ok: true, engine: new EngineDevice(device, { isSoftware: report.isSoftware }), report }
    void device.lost.then((info) => {
      if (info.reason === 'destroyed' || known !== state) return
      // The next question opens a new device.
      opening = null
      known = { ok: false, cause: 'lost', message: info.message === '' ? 'The browser gave no reason.' : info.message }
      announce(statusOf(known))
    })
    return state
  }

  async function state(): Promise<State> {
    const attempt = (opening ??= openNow())
    const found = await attempt
    // A device that cannot be had now may be there at the next try.
    if (!found.ok && opening === attempt) opening = null
    if (opening === attempt || !found.ok) known = found
    return found
  }

  return {
    status: async () => statusOf(await state()),
    open: async () => {
      const found = await state()
      return found.ok ? accept(found) : refuse(found.cause, `There is no GPU to compute on: ${found.message}`)
    },
    known: () => (known?.ok ? known.report : null),
    renew: () => {
      if (known?.ok) known.engine.device.destroy()
      opening = null
    },
    announce: () => {
      if (known) announce(statusOf(known))
    },
  }
}

function statusOf(state: State): GpuStatus {
  if (!state.ok) return { state: 'unavailable', cause: state.cause, message: state.message }
  const { engine, report } = state
  return { state: 'ready', adapter: report, plannedBytes: engine.allocatedBytes, largestBufferBytes: report.limits.maxBufferSize ?? 0 }
}
