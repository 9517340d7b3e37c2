/**
 * A batch has room for more rows than it uses. The buffer `counts` (u32 [4] = tokens, targets, sequences, 0) says how many rows are live;
 * kernels that sum over rows stop at one of them.
 */
export type RowCount = 'tokens' | 'targets'

/** The word of `counts` that holds each row count. */
export const COUNT_WORD: Readonly<Record<RowCount, 0 | 1>> = { tokens: 0, targets: 1 }
