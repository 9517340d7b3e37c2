/** The catalogue of scorers: each measures one thing about an attempt at a query. */
import type { Scorer } from '../../environments/benchmark'
import { calls } from './calls'
import { copyExact } from './copyExact'
import { passStatus } from './passStatus'
import { recall } from './recall'
import { tokens } from './tokens'

export const scorers = {
  passStatus,
  calls,
  recall,
  tokens,
  copyExact,
} as const satisfies Record<string, Scorer>

/** The scorers of every result; a benchmark names further ones. */
export const commonScorers: readonly Scorer[] = [passStatus, calls, recall, tokens]
