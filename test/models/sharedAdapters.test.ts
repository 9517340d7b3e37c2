/** Adapters of peft 0.21 that lie beside the project, where they do: one that is computed, one that is refused, one for another vocabulary. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { nodeFolder } from '../../src/cli/node/folder'
import { openWeightsFolder } from '../../src/models/checkpointFolder'
import { architectureOf } from '../../src/models/languageModel'
import { checkAdapterFits, readAdapter, type LoraAdapter } from '../../src/models/weights/peft'
import { projectRoot } from '../support/sources'

const shared = join(projectRoot, '../shared/data/faults')
async function adapter(name: string): Promise<LoraAdapter> {
  const folder = nodeFolder(join(shared, 'adapters', name))
  return readAdapter(folder).finally(() => folder.close())
}
async function fits(name: string, model: string): Promise<void> {
  const folder = nodeFolder(join(shared, 'models', model))
  const { config } = await openWeightsFolder(folder).finally(() => folder.close())
  checkAdapterFits(await adapter(name), architectureOf(config).parameters(config))
}

const present = existsSync(shared)
describe.skipIf(!present)(`adapters beside the project${present ? '' : ' (skipped: ../shared/data/faults is not there)'}`, () => {
  it('PiSSA takes its part out of three kinds of layers', async () => {
    const { changes } = await adapter('pissa')
    expect(changes?.residuals.size).toBe(6)
    await expect(fits('pissa', 'acting')).resolves.toBeUndefined()
  })
  it('aLoRA is refused by its field', async () => {
    await expect(adapter('alora')).rejects.toThrow('alora_invocation_tokens is [4]')
  })
  it('LoRA on the head fits an untied model of its vocabulary alone', async () => {
    await expect(fits('lm-head-lean', 'tokens-in-decoder')).resolves.toBeUndefined()
    await expect(fits('lm-head-lean', 'acting')).rejects.toThrow('lm_head is [528, 64] in the model')
  })
})
