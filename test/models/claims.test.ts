/** What the Models page claims of an architecture rests on goldens that are here and that `hone parity` compares. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { decoders } from '../../src/parity/decoderParity'
import { architectures } from '../../src/models/architectures'
import { parseModelConfig } from '../../src/models/architectures/config'
import { architectureClaims, ropeTypeOf } from '../../src/models/claims'
import { projectRoot } from '../support/sources'
import { goldenText } from './files'

test('every architecture has its claims, and nothing else has', () => {
  expect(architectureClaims.map(({ architecture }) => architecture).sort()).toEqual(Object.keys(architectures).sort())
})

test('exact is what a golden of that architecture and scaling holds, and every golden is claimed', () => {
  const claimed = architectureClaims.flatMap(({ architecture, exact }) =>
    Object.entries(exact).flatMap(([rope, goldens]) => goldens.map((golden) => ({ golden, architecture, rope }))),
  )
  for (const { golden, architecture, rope } of claimed) {
    const config = parseModelConfig(JSON.parse(goldenText(`${golden}/config.json`)))
    expect({ golden, architecture: config.model_type, rope: ropeTypeOf(config) }).toEqual({ golden, architecture, rope })
    expect(existsSync(join(projectRoot, `test/golden/${golden}_golden.json`)), golden).toBe(true)
  }
  expect(claimed.map(({ golden }) => golden).sort()).toEqual([...decoders].sort())
})

test('run with real weights is said of the starter alone', () => {
  const ran = architectureClaims.flatMap(({ architecture, ran: names }) => names.map((name) => `${architecture}: ${name}`))
  expect(ran).toEqual(['qwen2: the starter model'])
  const starter = parseModelConfig(JSON.parse(goldenText('../../public/starter/config.json')))
  expect(starter.model_type).toBe('qwen2')
  expect(existsSync(join(projectRoot, 'public/starter/model.safetensors'))).toBe(true)
})
