/**
 * Starts everything in Hone that runs in Node, with plain JavaScript so that any Node can read it:
 *   launch.js hone COMMAND …   the command line        launch.js start   site and gateway
 *   launch.js build            both, if stale          launch.js test    all tests
 * Rebuilds dist-cli/ and dist/ when their sources changed. Builds go to stderr: stdout belongs to the command.
 */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '../..')
const [task, ...args] = process.argv.slice(2)

function fail(sentence) {
  process.stderr.write(`${sentence}\n`)
  process.exit(1)
}

const [major, minor] = process.versions.node.split('.').map(Number)
if (major < 20 || (major === 20 && minor < 19)) fail(`Hone needs Node 20.19 or newer; this is Node ${process.versions.node}.`)
const vite = join(root, 'node_modules/vite/bin/vite.js')
if (!existsSync(vite)) fail('The dependencies are not installed: run npm ci in the project folder first.')

/** One line per source file: path, time, size. A change, an addition or a removal changes the hash. */
function sourceHash(paths, excluded) {
  const hash = createHash('sha256')
  const visit = (path) => {
    const stats = statSync(join(root, path), { throwIfNoEntry: false })
    if (stats === undefined || path === excluded) return
    if (stats.isDirectory()) for (const name of readdirSync(join(root, path)).sort()) visit(`${path}/${name}`)
    else hash.update(`${path} ${stats.mtimeMs} ${stats.size}\n`)
  }
  for (const path of paths) visit(path)
  return hash.digest('hex')
}

const stampOf = (path) => (existsSync(path) ? readFileSync(path, 'utf8') : '')

function viteBuild(options, failure) {
  const built = spawnSync(process.execPath, [vite, 'build', '--logLevel', 'error', ...options], { cwd: root, stdio: ['ignore', 2, 2] })
  if (built.status !== 0) fail(failure)
}

/** The bundle is built in another folder and moved into place, so that commands started meanwhile see the old file or the new one, never half of it. */
function buildCommandLine() {
  const hash = sourceHash(['src', 'shaders', 'package-lock.json', 'vite.config.ts'], 'src/ui')
  const stamp = join(root, 'dist-cli/.sources')
  if (stampOf(stamp) === hash && existsSync(join(root, 'dist-cli/hone.js'))) return
  const aside = `.cache/dist-cli-${process.pid}`
  viteBuild(['--mode', 'cli', '--outDir', aside], 'The command line could not be built; the lines above say why.')
  mkdirSync(join(root, 'dist-cli'), { recursive: true })
  for (const file of ['licenses.md', 'hone.js.map', 'hone.js']) renameSync(join(root, aside, file), join(root, 'dist-cli', file))
  rmSync(join(root, aside), { recursive: true })
  writeFileSync(stamp, hash)
}

function buildSite() {
  const hash = sourceHash(['src', 'shaders', 'public', 'index.html', 'package-lock.json', 'vite.config.ts'], 'src/cli')
  const stamp = join(root, '.cache/dist.sources')
  if (stampOf(stamp) === hash && existsSync(join(root, 'dist/index.html'))) return
  process.stderr.write('Building the site …\n')
  viteBuild([], 'The site could not be built; the lines above say why.')
  mkdirSync(join(root, '.cache'), { recursive: true })
  writeFileSync(stamp, hash)
}

async function runCommandLine(argv) {
  buildCommandLine()
  process.setSourceMapsEnabled(true)
  process.argv = [process.execPath, join(root, 'dist-cli/hone.js'), ...argv]
  await import(pathToFileURL(join(root, 'dist-cli/hone.js')).href)
}

switch (task) {
  case 'hone':
    await runCommandLine(args)
    break
  case 'start':
    buildSite()
    await runCommandLine(['serve', '--site', join(root, 'dist'), ...args])
    break
  case 'build':
    buildSite()
    buildCommandLine()
    break
  case 'test': {
    // The test runner is TypeScript too; Vite loads it without a build.
    const { runnerImport } = await import('vite')
    const { module } = await runnerImport(join(root, 'test/support/runTests.ts'))
    process.exitCode = await module.runTests(root, args)
    break
  }
  default:
    fail(`launch.js knows hone, start, build and test, not "${task}".`)
}
