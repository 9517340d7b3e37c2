/** Small words and files of the Data page. */
import type { Problem } from '../../worker/protocol'

/** A spreadsheet cell: quoted, and never read as a formula. */
export function csvCell(text: string): string {
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text
  return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}

export function problemsCsv(problems: readonly Problem[]): string {
  const rows = problems.map((one) =>
    [one.file, one.row === null ? '' : String(one.row), one.column ?? '', one.expected, one.found, one.message].map(csvCell).join(','),
  )
  return ['file,row,column,expected,found,message', ...rows].join('\n') + '\n'
}

/** Files of a drop, folders left out: a folder has no type and no bytes to read. */
export function droppedFiles(items: DataTransfer): File[] {
  return [...items.files].filter((file) => file.size > 0 || file.type !== '')
}
