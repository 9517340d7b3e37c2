/** Trained adapters as folders in PEFT's layout, each with log-probs of ours beside it: what test/golden/check_adapters.py reads. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { adapterFiles } from '../studio/models/adapterFiles'
import { packSequences, uploadBatch } from '../training/batches/packing'
import type { PolicyModel } from '../training/policy/policyModel'

/** Sequences whose tokens are scored. */
const SCORED = 6

/** Leaves `log_probs.json`: `ids` [S][T], `logprobs` [S][T − 1] (entry t − 1 = log p(ids[t] | ids[<t])). */
export async function leaveAdapter(
  folder: string,
  name: string,
  policy: PolicyModel,
  sequences: readonly { readonly ids: readonly number[] }[],
): Promise<void> {
  const weights = policy.packed.unpack(await policy.packed.readWeights())
  const tensors = new Map(
    [...policy.packed.ranges.values()].map(({ name: leaf, shape }) => [leaf, { shape, values: weights.get(leaf) ?? new Float32Array() }]),
  )
  if (policy.trainable.kind !== 'lora') throw new Error('Expected a policy with an adapter.')
  const { files } = adapterFiles(tensors, policy.trainable, 'test/tiny_qwen2')
  const ids = sequences.slice(0, SCORED).map((one) => one.ids)
  const batch = packSequences(
    ids.map((one) => ({ ids: one, targets: one.map((_, t) => t).slice(1) })),
    policy.model.config.vocab_size,
  )
  const score = await policy.score(batch.tokenBucket, batch.targetBucket)
  uploadBatch(score, batch)
  await score.run()
  const found = await score.readOutput('logp', batch.targetCount)
  const logprobs = ids.map((_, sequence) => [...found].filter((_, row) => batch.rowSequence[row] === sequence))
  const own = join(folder, name.replaceAll(/[^a-z0-9]+/gi, '_'))
  await mkdir(own, { recursive: true })
  for (const [file, bytes] of files) await writeFile(join(own, file), bytes)
  await writeFile(join(own, 'log_probs.json'), JSON.stringify({ ids, logprobs }))
}
