/**
 * Which WebGPU adapters the GPU tests run on: every one this machine has, each in processes of its own.
 *
 * `HONE_REQUIRE_ADAPTERS=swiftshader,lavapipe` makes a missing one an error. `HONE_ADAPTERS=default` chooses by hand
 * (`default` is whatever the system offers: the way to run the suite on a real GPU).
 */
import { adapterNames, findDriverFile, type AdapterName } from '../../src/cli/node/dawn.ts'

export interface AdaptersUnderTest {
  readonly found: readonly AdapterName[]
  readonly missing: readonly AdapterName[]
}

export function adaptersUnderTest(env: NodeJS.ProcessEnv = process.env): AdaptersUnderTest {
  const required = adapterList(env.HONE_REQUIRE_ADAPTERS, 'HONE_REQUIRE_ADAPTERS')
  const chosen = adapterList(env.HONE_ADAPTERS, 'HONE_ADAPTERS')
  // The software adapters are Linux drivers; elsewhere the system's own adapter is the one there is.
  const usual: readonly AdapterName[] = process.platform === 'linux' ? ['swiftshader', 'lavapipe'] : ['default']
  const candidates = [...new Set([...(chosen.length > 0 ? chosen : usual), ...required])]
  const found = candidates.filter((name) => name === 'default' || findDriverFile(name) !== null)
  const missing = candidates.filter((name) => !found.includes(name))
  const absent = required.filter((name) => !found.includes(name))
  if (absent.length > 0) throw new Error(`HONE_REQUIRE_ADAPTERS asks for ${absent.join(' and ')}, not found on this machine.`)
  return { found, missing }
}

/** Whether `npm test` leaves whole commands on this adapter to `npm run test:deep`, because another adapter runs them already. */
export const runsWholeCommandsDeep = (adapter: AdapterName, found: readonly AdapterName[]): boolean =>
  adapter === 'swiftshader' && found.includes('lavapipe')

export function adapterSummary({ found, missing }: AdaptersUnderTest): string {
  const lines = [`WebGPU adapters under test: ${found.length > 0 ? found.join(', ') : 'none'}`]
  if (missing.length > 0) lines.push(`not found: ${missing.join(', ')} (GPU tests do not run there)`)
  return lines.join('\n')
}

function adapterList(value: string | undefined, variable: string): AdapterName[] {
  const names = (value ?? '').split(',').map((name) => name.trim())
  return names.flatMap((name) => {
    if (name === '') return []
    const known = adapterNames.find((candidate) => candidate === name)
    if (known === undefined) throw new Error(`${variable} names "${name}"; known adapters are ${adapterNames.join(', ')}.`)
    return [known]
  })
}
