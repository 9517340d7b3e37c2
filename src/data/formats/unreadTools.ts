/** The rows whose list of tools could not be read: one remark on the file, because a file's rows usually have the same list. */
import { tableProblem } from '../csvTable'

export interface UnreadTools {
  readonly note: (row: number, unread: string | null) => void
  readonly remarks: () => ReturnType<typeof tableProblem>[]
}

export function createUnreadTools(file: string): UnreadTools {
  let first: { readonly row: number; readonly unread: string } | null = null
  let rows = 0
  return {
    note(row, unread) {
      if (unread === null) return
      first ??= { row, unread }
      rows += 1
    },
    remarks() {
      if (!first) return []
      const others = rows === 1 ? '' : ` ${rows - 1} other ${rows === 2 ? 'row has' : 'rows have'} such a list too.`
      const outcome = `The row was kept without the tools that could not be read.${others}`
      const expected = 'a list of tool names or descriptions after "APIs:", as Python or JSON writes it'
      return [tableProblem({ file, row: first.row, column: 'prompt', expected, found: first.unread, outcome }, false)]
    },
  }
}
