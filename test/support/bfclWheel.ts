/** The user's own wheel of `bfcl_eval`, for the tests that need the whole benchmark: named by HONE_BFCL_WHEEL, or beside the test data. */
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { projectRoot } from './sources'

/** null where there is none: `pip download --no-deps bfcl-eval==2026.3.23` fetches it. */
export function findBfclWheel(): string | null {
  const named = process.env.HONE_BFCL_WHEEL
  if (named !== undefined && named !== '') return named
  const folder = join(projectRoot, '../shared/data/bfcl')
  const found = existsSync(folder) ? readdirSync(folder).find((name) => /^bfcl_eval-.*\.whl$/.test(name)) : undefined
  return found === undefined ? null : join(folder, found)
}
