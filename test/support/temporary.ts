/** A folder for everything the tests write, gone when they end: Vitest's global set-up. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export default function setup(): () => void {
  const directory = mkdtempSync(join(tmpdir(), 'hone-test-'))
  // Workers inherit it.
  process.env.HONE_TEST_DIRECTORY = directory
  return () => {
    rmSync(directory, { recursive: true, force: true })
  }
}
