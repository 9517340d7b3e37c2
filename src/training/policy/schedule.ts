/** Learning-rate factors, as transformers' `get_scheduler` computes them. */
export const SCHEDULES = ['constant', 'constant_with_warmup', 'linear', 'cosine'] as const
export type ScheduleName = (typeof SCHEDULES)[number]

/** Factor on the peak learning rate for optimizer step `step` (0-based) of `total`: with warm-up the first step's is 0, and no step's is the end of the decay. */
export function scheduleFactor(name: ScheduleName, step: number, total: number, warmup: number): number {
  if (name !== 'constant' && step < warmup) return step / Math.max(1, warmup)
  const progress = (step - warmup) / Math.max(1, total - warmup)
  switch (name) {
    case 'constant':
    case 'constant_with_warmup':
      return 1
    case 'linear':
      return Math.max(0, 1 - progress)
    case 'cosine':
      return Math.max(0, 0.5 * (1 + Math.cos(Math.PI * progress)))
  }
}
