/** Small models of ../shared/data/faults, where it is there: they are never copied into the project. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { openCheckpoint } from '../../src/models/checkpointFolder'
import { architectureOf } from '../../src/models/languageModel'
import { createHfTokenizer } from '../../src/models/tokenizer/hfTokenizer'
import { folderFromMap } from '../../src/models/weights/byteSource'

const shared = new URL('../../../shared/data/faults/models/', import.meta.url)
const present = existsSync(shared)
const folder = (name: string) => {
  const at = new URL(`${name}/`, shared)
  return folderFromMap(name, new Map(readdirSync(at).map((file) => [file, new Uint8Array(readFileSync(new URL(file, at)))])))
}

describe.skipIf(!present)(`models with faults${present ? '' : ' (skipped: ../shared/data/faults is not there)'}`, () => {
  it('encodes tokens that tokenizer_config.json alone names as transformers 5.24 does', async () => {
    const { tokenizerJson, tokenizerConfig } = await openCheckpoint(folder('tokens-in-decoder'))
    expect(createHfTokenizer(tokenizerJson, tokenizerConfig).encode('go <|tool_call|>tide<|tool_reply|> ok<|im_end|>')).toEqual([
      73, 81, 223, 400, 86, 75, 259, 401, 223, 81, 77, 30, 94, 311, 65, 71, 260, 94, 32,
    ])
  })

  it('uses rope_scaling where it stands beside rope_parameters', async () => {
    const { config } = await openCheckpoint(folder('rope-both'))
    expect(config.rope_scaling).toMatchObject({ rope_type: 'yarn', factor: 4, original_max_position_embeddings: 64 })
    expect(config.rope_theta).toBe(1e6)
  })

  it('finds tensors without model. in their names', async () => {
    const { config, requireTensors } = await openCheckpoint(folder('bare-keys'))
    expect(() => requireTensors(architectureOf(config).parameters(config))).not.toThrow()
  })
})

describe.skipIf(present)('../shared/data/faults', () => {
  it('is not there, so that its models are not read', ({ skip }) => skip())
})
