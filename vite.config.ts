import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import react from '@vitejs/plugin-react'
import type { Plugin } from 'vite'
import { defineConfig, type TestProjectInlineConfiguration, type ViteUserConfig } from 'vitest/config'
import { adaptersUnderTest } from './test/support/adapters.ts'
import { LongestFirst } from './test/support/longestFirst.ts'

/** `npm run dev` has the gateway too, reloaded with its sources. */
const gatewayInDevelopment: Plugin = {
  name: 'hone-gateway',
  configureServer: (server) => {
    server.middlewares.use((request, response, next) => {
      if (request.url?.startsWith('/gateway/') !== true) {
        next()
        return
      }
      const loaded = server.ssrLoadModule('/src/gateway/listen.ts') as Promise<typeof import('./src/gateway/listen')>
      loaded.then(({ developmentListener }) => developmentListener(request, response)).catch(next)
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

/** The page: dist/ works under any path of any static server, hence the relative base. */
const site: ViteUserConfig = {
  base: './',
  plugins: [react(), gatewayInDevelopment, starterManifest],
  worker: { format: 'es' },
  build: { target: 'es2023', chunkSizeWarningLimit: 900 },
  server: { port: 4180, strictPort: true },
  preview: { port: 4180, strictPort: true },
}

/** The command line: one file, so that a rebuild never pulls a chunk from under a running command. */
const commandLine: ViteUserConfig = {
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

/** One project per adapter: a process can load one Vulkan driver. */
function gpuProjects(): TestProjectInlineConfiguration[] {
  return adaptersUnderTest().found.map((adapter) => ({
    extends: true,
    test: {
      name: `gpu:${adapter}`,
      include: ['test/**/*.gpu.test.ts'],
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
  }))
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
