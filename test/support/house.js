/** `npm run -s house [-- --list | --json]`: measures the source code. measureHouse.ts says what is counted. */
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { runnerImport } from 'vite'

const folder = dirname(fileURLToPath(import.meta.url))
const { module } = await runnerImport(join(folder, 'printHouse.ts'))
module.printHouse(process.argv.slice(2))
