/** A WebGPU adapter as records keep it: who made it, what it offers. */
import { z } from 'zod'

export const gpuInfo = z.object({
  vendor: z.string(),
  architecture: z.string(),
  device: z.string(),
  description: z.string(),
  isSoftware: z.boolean(),
  features: z.array(z.string()),
  limits: z.record(z.string(), z.number()),
})
export type GpuInfo = z.infer<typeof gpuInfo>
