/** Small data of our own for the worlds that need some: what the tests of every environment and every benchmark make them from, by name. */
import { openNodePython } from '../../src/cli/node/pythonSandbox'
import type { WorldParts } from '../../src/environments/worldParts'
import { folderOfProject } from '../support/files'
import { miniBfcl } from '../support/miniBfcl'

export const worldFixtures: Readonly<Record<string, WorldParts>> = {
  bfcl: { files: await folderOfProject('test/fixtures/bfcl') },
  'bfcl-multi-turn': { files: miniBfcl(), python: openNodePython },
  toolhop: { files: await folderOfProject('test/fixtures/toolhop'), python: openNodePython },
}
