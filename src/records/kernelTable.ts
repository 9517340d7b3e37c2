/** Which variant of matrix product was measured to be fastest on an adapter: part of every run that used it. */
import { z } from 'zod'
import type { GpuInfo } from './gpuInfo'

export const kernelTable = z.object({
  version: z.literal(1),
  /** `adapterName` of the adapter it was measured on. */
  adapter: z.string(),
  /** Version of the kernels that were measured. */
  kernels: z.int(),
  /** Whether products of packed weights may round their other operand to f16. */
  half: z.boolean(),
  /** Class of product → variant. */
  choices: z.record(z.string(), z.string()),
})
export type KernelTable = z.infer<typeof kernelTable>

/** Adapter and driver, as far as they say. */
export const adapterName = ({
  vendor,
  architecture,
  device,
  description,
}: Pick<GpuInfo, 'vendor' | 'architecture' | 'device' | 'description'>): string => [vendor, architecture, device, description].join(' / ')
