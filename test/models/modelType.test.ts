/** What differs between families of models stands in their architecture's file: nothing else compares `model_type` with a name. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { filesUnder, projectRoot } from '../support/sources'

test('no file branches on model_type', () => {
  const branches = filesUnder(join(projectRoot, 'src'))
    .filter((path) => /\.tsx?$/.test(path))
    .filter((path) => /model_type\s*[!=]==|[!=]==\s*[\w.]*model_type|switch \([^)]*model_type/.test(readFileSync(path, 'utf8')))
  expect(branches.map((path) => path.slice(projectRoot.length))).toEqual([])
})
