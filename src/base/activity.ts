/** What a device is busy with, and the words for it on the page and on the command line. */

/**
 * `load`: weights are read and uploaded, in bytes. `compile`: kernels. `prefill`: tokens of text are computed. `decode`: tokens are sampled.
 * `score` and `update`: micro-batches of a training step. `store`: a checkpoint is written.
 */
export type ActivityKind = 'load' | 'compile' | 'prefill' | 'decode' | 'score' | 'update' | 'store'

export interface Activity {
  readonly kind: ActivityKind
  /** Of `total`; a fraction where a part is partly done. */
  readonly done: number
  /** null: not known. */
  readonly total: number | null
}

const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(0)
/** The part that is under way, counted from 1, and the share of all parts: one part may take minutes. */
function part({ done, total }: Activity): string {
  const parts = total ?? 1
  const share = `${Math.floor((100 * done) / parts)} %`
  return parts === 1 ? share : `part ${Math.min(parts, Math.floor(done) + 1)} of ${parts}, ${share}`
}

export function activityText(activity: Activity): string {
  const { kind, done, total } = activity
  switch (kind) {
    case 'load':
      return total === null ? `loading weights, ${megabytes(done)} MB` : `loading weights, ${megabytes(done)} of ${megabytes(total)} MB`
    case 'compile':
      return done >= (total ?? 0) ? 'kernels compiled' : `compiling kernels, ${done} of ${total ?? 0}`
    case 'prefill':
      return `reading prompts, ${done.toLocaleString('en')} tokens`
    case 'decode':
      return `generating, ${done.toLocaleString('en')} tokens`
    case 'score':
      return `computing log-probs, ${part(activity)}`
    case 'update':
      return `updating, ${part(activity)}`
    case 'store':
      return 'storing a checkpoint'
    default:
      return kind satisfies never
  }
}
