import { createHash, randomBytes } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import react from '@vitejs/plugin-react'
import { transformWithOxc, type Plugin } from 'vite'
import { defineConfig, type TestProjectInlineConfiguration, type ViteUserConfig } from 'vitest/config'
import { adaptersUnderTest, runsWholeCommandsDeep } from './test/support/adapters.ts'
import { LongestFirst } from './test/support/longestFirst.ts'

/** `npm run dev` has the gateway too, reloaded with its sources. */
const gatewayInDevelopment: Plugin = {
  name: 'hone-gateway',
  configureServer: (server) => {
    const token = randomBytes(32).toString('base64url')
    server.httpServer?.once('listening', () => {
      server.config.logger.info(`  The gateway’s token: open http://localhost:${server.config.server.port}/#token=${token}`)
    })
    server.middlewares.use((request, response, next) => {
      if (request.url?.startsWith('/gateway/') !== true) {
        next()
        return
      }
      const loaded = server.ssrLoadModule('/src/gateway/listen.ts') as Promise<typeof import('./src/gateway/listen')>
      const network = server.ssrLoadModule('/src/cli/node/proxyFetch.ts') as Promise<typeof import('./src/cli/node/proxyFetch')>
      Promise.all([loaded, network])
        .then(([{ developmentListener }, { fetchOfEnvironment }]) =>
          developmentListener(request, response, { token, fetch: fetchOfEnvironment(process.env) }),
        )
        .catch(next)
    })
  },
}

/** dist/starter/manifest.json: the SHA-256 of every starter file, which the page checks on load. */
const starterManifest: Plugin = {
  name: 'hone-starter-manifest',
  apply: 'build',
  closeBundle: {
    order: 'post',
    handler() {
      const folder = join(import.meta.dirname, 'dist/starter')
      if (!existsSync(folder)) return
      const names = readdirSync(folder).filter((name) => name !== 'manifest.json')
      const files = names.sort().map((name) => {
        const bytes = readFileSync(join(folder, name))
        return [name, { sha256: createHash('sha256').update(bytes).digest('hex'), bytes: bytes.length }] as const
      })
      writeFileSync(join(folder, 'manifest.json'), `${JSON.stringify({ files: Object.fromEntries(files) }, null, 1)}\n`)
    },
  },
}

/** `import text from './module.ts?text'`: a module that imports nothing, as JavaScript text. Node's threads start from text. */
const moduleText: Plugin = {
  name: 'hone-module-text',
  async load(id) {
    if (!id.endsWith('.ts?text')) return null
    const path = id.slice(0, -'?text'.length)
    this.addWatchFile(path)
    const { code } = await transformWithOxc(readFileSync(path, 'utf8'), path, { sourcemap: false })
    return `export default ${JSON.stringify(code)}`
  },
}

interface BundledPackage {
  readonly title: string
  /** Its licence and notice files. */
  readonly texts: readonly string[]
}

interface PackageFile {
  readonly name?: unknown
  readonly version?: unknown
  readonly license?: unknown
  readonly author?: string | { readonly name: string }
  readonly repository?: string | { readonly url: string }
}

/** What a package contains besides its own code, without a file that says so. */
const contained: Readonly<Record<string, BundledPackage>> = {
  pyodide: {
    title: 'CPython (PSF-2.0)',
    texts: [
      'Inside pyodide: the Python interpreter and its standard library. Copyright © 2001 Python Software Foundation. All rights reserved. The licence and those of what CPython contains: https://docs.python.org/3/license.html',
    ],
  },
}

const LICENSE_FILE = /^(licen[cs]e|copying|notice)/i

function packageOf(moduleId: string): BundledPackage | null {
  const [path = ''] = moduleId.split('?')
  if (path.startsWith('\0') || !path.includes('/node_modules/')) return null
  for (let folder = dirname(path); !folder.endsWith('node_modules'); folder = dirname(folder)) {
    const file = join(folder, 'package.json')
    const { name, version, license, author, repository } = (existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {}) as PackageFile
    // Packages have more such files within, which only say how modules are loaded.
    if (typeof name !== 'string' || typeof version !== 'string') continue
    const texts = readdirSync(folder).filter((entry) => LICENSE_FILE.test(entry) && statSync(join(folder, entry)).isFile())
    const by = typeof author === 'string' ? author : author?.name
    const source = typeof repository === 'string' ? repository : repository?.url
    const named = `The package has no licence file. Its package.json names the licence ${String(license)}${by === undefined ? '' : ` and the author ${by}`}.${source === undefined ? '' : ` Its source: ${source}`}`
    return {
      title: `${name} ${version} (${String(license)})`,
      texts: texts.length === 0 ? [named] : texts.sort().map((entry) => readFileSync(join(folder, entry), 'utf8').trim()),
    }
  }
  return null
}

/**
 * licenses.md beside what is built: the licence of Hone and of every package in it. Vite's own list (`build.license`) leaves out what the
 * workers bundle.
 */
function licenseList(): { readonly collect: Plugin; readonly write: Plugin } {
  const packages = new Map<string, BundledPackage>()
  return {
    collect: {
      name: 'hone-licenses-collect',
      apply: 'build',
      generateBundle(_options, bundle) {
        const modules = Object.values(bundle).flatMap((file) => (file.type === 'chunk' ? file.moduleIds : []))
        for (const found of modules.map(packageOf)) {
          if (!found) continue
          const inside = contained[found.title.split(' ')[0] ?? '']
          for (const one of inside ? [found, inside] : [found]) packages.set(one.title, one)
        }
      },
    },
    write: {
      name: 'hone-licenses-write',
      apply: 'build',
      generateBundle: {
        order: 'post',
        handler() {
          const own = readFileSync(join(import.meta.dirname, 'LICENSE'), 'utf8').trim()
          const others = [...packages.values()].sort((a, b) => (a.title < b.title ? -1 : 1))
          const sections = others.map(({ title, texts }) => [`## ${title}`, ...texts].join('\n\n'))
          const source = [`# Licenses`, `## Hone (Apache-2.0)`, own, ...sections].join('\n\n')
          this.emitFile({ type: 'asset', fileName: 'licenses.md', source: `${source}\n` })
        },
      },
    },
  }
}
const licenses = licenseList()

/** Not every static server knows that .mjs is JavaScript. */
const assetFileNames = ({ names }: { readonly names: readonly string[] }): string =>
  names.some((name) => name.endsWith('.mjs')) ? 'assets/[name]-[hash].js' : 'assets/[name]-[hash][extname]'

/** The page: dist/ works under any path of any static server, hence the relative base. */
const site: ViteUserConfig = {
  base: './',
  plugins: [react(), moduleText, gatewayInDevelopment, starterManifest, licenses.collect, licenses.write],
  worker: { format: 'es', plugins: () => [licenses.collect], rolldownOptions: { output: { assetFileNames } } },
  build: { target: 'es2023', chunkSizeWarningLimit: 900, rolldownOptions: { output: { assetFileNames } } },
  server: { port: 4180, strictPort: true },
  preview: { port: 4180, strictPort: true },
}

/** The command line: one file, so that a rebuild never pulls a chunk from under a running command. */
const commandLine: ViteUserConfig = {
  plugins: [moduleText, licenses.collect, licenses.write],
  ssr: { external: ['webgpu'], noExternal: true },
  build: {
    target: 'node20',
    ssr: 'src/cli/main.ts',
    outDir: 'dist-cli',
    copyPublicDir: false,
    sourcemap: true,
    minify: false,
    rolldownOptions: { output: { entryFileNames: 'hone.js', codeSplitting: false } },
  },
}

/** Whole commands, jobs and strategies, as opposed to kernels, models and training loops. */
const WHOLE_COMMANDS = 'test/{cli,studio,agents}/**/*.gpu.test.ts'

/**
 * One project per adapter: a process can load one Vulkan driver. Where there are two adapters, whole commands run on the slower one with the deep
 * tests: what differs between adapters is in the kernels.
 */
function gpuProjects(): TestProjectInlineConfiguration[] {
  const { found } = adaptersUnderTest()
  const projects = found.map((adapter) =>
    gpuProject(`gpu:${adapter}`, adapter, ['test/**/*.gpu.test.ts'], runsWholeCommandsDeep(adapter, found) ? [WHOLE_COMMANDS] : []),
  )
  const deep = found.filter((adapter) => runsWholeCommandsDeep(adapter, found))
  return [...projects, ...deep.map((adapter) => gpuProject(`deep:${adapter}`, adapter, [WHOLE_COMMANDS], []))]
}

function gpuProject(name: string, adapter: string, include: string[], exclude: string[]): TestProjectInlineConfiguration {
  return {
    extends: true,
    test: {
      ...{ name, include, exclude },
      environment: 'node',
      env: { HONE_ADAPTER: adapter },
      pool: 'forks',
      // Software adapters use every core, and compile every kernel of a new device anew.
      fileParallelism: false,
      isolate: false,
      setupFiles: ['test/support/gpuSetup.ts'],
      testTimeout: 240_000,
      hookTimeout: 120_000,
    },
  }
}

function testProjects(): TestProjectInlineConfiguration[] {
  const longProject = (name: string, testTimeout: number): TestProjectInlineConfiguration => ({
    extends: true,
    test: {
      name,
      include: [`test/**/*.${name}.test.ts`],
      environment: 'node',
      pool: 'forks',
      fileParallelism: false,
      testTimeout,
      hookTimeout: 180_000,
    },
  })
  return [
    {
      extends: true,
      test: {
        name: 'unit',
        include: ['test/**/*.test.ts'],
        exclude: ['test/**/*.{gpu,deep,learn,e2e}.test.ts'],
        environment: 'node',
        // Loading the modules of each file anew took longer than the tests.
        pool: 'threads',
        isolate: false,
        // Other programs may have the cores.
        testTimeout: 30_000,
      },
    },
    ...gpuProjects(),
    longProject('deep', 1_200_000),
    longProject('learn', 3_600_000),
    endToEndProject(longProject('e2e', 600_000)),
  ]
}

/** Files two at a time: pages wait and kernels are compiled by one thread. */
const endToEndProject = ({ test, ...project }: TestProjectInlineConfiguration): TestProjectInlineConfiguration => ({
  ...project,
  test: { ...test, fileParallelism: true, maxWorkers: 2 },
})

export default defineConfig(({ mode }) => {
  if (mode === 'cli') return commandLine
  if (process.env.VITEST === undefined) return site
  return { ...site, test: { globalSetup: ['test/support/temporary.ts'], sequence: { sequencer: LongestFirst }, projects: testProjects() } }
})
