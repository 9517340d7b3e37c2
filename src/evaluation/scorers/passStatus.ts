/** Whether the attempt solved its query, as its judge decided; an attempt that nobody judged is unsolved. */
import type { Scorer } from '../../environments/benchmark'

export const passStatus: Scorer = ({ status }) => ({ status: status ?? 'unsolved' })
