/** The coefficient β of the KL penalty, which is fixed or adjusted towards a target KL (Ziegler 2019, arXiv:1909.08593 §2.2; TRL `AdaptiveKLController`). */
export interface KlControl {
  readonly adap_kl_ctrl: boolean
  /** The target KL per sequence, in nats. */
  readonly target: number
  /** Sequences over which β may change by its full rate. */
  readonly horizon: number
}

/** β after a batch of `sequences` sequences with mean KL `kl`: β · (1 + clip(kl / target − 1, ±0.2) · sequences / horizon). */
export function nextKlCoef(klCoef: number, kl: number, sequences: number, control: KlControl): number {
  if (!control.adap_kl_ctrl || !Number.isFinite(kl)) return klCoef
  const error = Math.min(Math.max(kl / control.target - 1, -0.2), 0.2)
  return klCoef * (1 + (error * sequences) / control.horizon)
}
