/**
 * Baselines too large for everybody's `npm ci` (ONNX Runtime is over 200 MB): they are installed into `.cache/peers` on request,
 * at these versions, and found there at run time.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { UsageError } from '../../cli/command'

/** The versions are pinned, because a figure names what it was measured against. */
const VERSIONS = {
  '@huggingface/transformers': '4.3.1',
  '@tensorflow/tfjs-core': '4.22.0',
  '@tensorflow/tfjs-backend-webgpu': '4.22.0',
} as const
export type BaselinePackage = keyof typeof VERSIONS

const directoryOf = (projectRoot: string): string => join(projectRoot, '.cache/peers')

/** Runs npm; install scripts stay off (ONNX Runtime's would fetch CUDA libraries that nothing here uses). */
export function installBaselines(projectRoot: string, progress: (line: string) => void): void {
  const directory = directoryOf(projectRoot)
  mkdirSync(directory, { recursive: true })
  writeFileSync(
    join(directory, 'package.json'),
    `${JSON.stringify({ name: 'hone-bench-peers', private: true, dependencies: VERSIONS }, null, 2)}\n`,
  )
  progress(
    `Installing ${Object.entries(VERSIONS)
      .map((pair) => pair.join(' '))
      .join(', ')} into ${directory} (about 550 MB) …`,
  )
  const npm = spawnSync('npm', ['install', '--prefix', directory, '--ignore-scripts', '--no-audit', '--no-fund'], {
    stdio: ['ignore', 2, 2],
  })
  if (npm.status !== 0) throw new UsageError('npm could not install the baselines (tfjs, transformers.js); its own messages above say why.')
}

/** null when it is not installed, or not at the version the bench is written for. */
export async function importBaseline(projectRoot: string, name: BaselinePackage): Promise<unknown> {
  const directory = directoryOf(projectRoot)
  if (installedVersion(directory, name) !== VERSIONS[name]) return null
  return import(/* @vite-ignore */ pathToFileURL(createRequire(join(directory, 'package.json')).resolve(name)).href)
}

/** `tfjs 4.22.0` */
export const baselineName = (label: string, name: BaselinePackage): string => `${label} ${VERSIONS[name]}`

function installedVersion(directory: string, name: BaselinePackage): string | null {
  const file = join(directory, 'node_modules', name, 'package.json')
  if (!existsSync(file)) return null
  const parsed: unknown = JSON.parse(readFileSync(file, 'utf8'))
  return typeof parsed === 'object' && parsed !== null && 'version' in parsed && typeof parsed.version === 'string' ? parsed.version : null
}
