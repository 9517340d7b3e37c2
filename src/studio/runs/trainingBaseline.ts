/** The model before its first step: the hash of its adapter, its log-probs of a fixed text, and its distance from the reference. */
import { checkReference, type ReferenceKind } from '../../training/preflight/adapterChecks'
import type { ActingPolicy } from './policyBackend'
import { probeText } from './probe'
import type { TrainingRun } from './trainingRun'

export interface Baseline {
  /** SHA-256 of the adapter's file as this run would write it. */
  readonly hash: string
  /** As the record shows it: another program's file may hold the same weights in another order. */
  readonly shownHash: string
  /** A fixed text, and log π of its tokens. */
  readonly probe: readonly number[]
  readonly logProbs: readonly number[]
}

/** Throws when the policy is not at its reference where it should be. */
export async function measureBaseline(run: TrainingRun): Promise<Baseline> {
  const { request, recorder, control, parts, hooks } = run
  const { model, seed, configured, practice } = request
  const initial = request.initialAdapter?.adapter ?? null
  const { limits } = practice
  const probe = model.tokenizer.encode(await probeText(practice.benchmark, model)).slice(0, 256)
  const policy = await parts.policyBackend.openPolicy({
    ...{ engine: parts.opened.engine, model, trainable: configured.trainable, adapter: initial?.tensors ?? null, seed, limits },
    ...{ slots: practice.slots, generates: request.data === null && !request.transcripts, gate: control.gate },
    onTokens: (count) => {
      control.countTokens(count)
    },
  })
  try {
    parts.gpu.announce()
    const hash = (await run.filesOf(await policy.adapter())).sha256
    const logProbs = await policy.logProbs(probe)
    if (configured.trainable.kind === 'lora') await compareWithReference(run, policy, probe, logProbs)
    recorder.probe({ before: logProbs, after: null })
    const shownHash = initial?.sha256 ?? hash
    await recorder.change({ adapter_sha256: { before: shownHash, after: null } })
    await hooks.before?.(policy)
    return { hash, shownHash, probe, logProbs }
  } finally {
    await policy.destroy()
  }
}

const referenceOf = ({ request }: TrainingRun): ReferenceKind =>
  request.initialAdapter === null ? 'new' : request.configured.trainable.keepsReference ? 'initial' : 'base'

/** The last check before step 0 needs the model: its KL to the reference is 0, or the run ends here. A KL that cannot begin at 0 is noted. */
async function compareWithReference(
  run: TrainingRun,
  policy: ActingPolicy,
  ids: readonly number[],
  logProbs: readonly number[],
): Promise<void> {
  if (logProbs.length === 0) return
  const { level, message } = checkReference(logProbs, await policy.logProbs(ids, 'reference'), referenceOf(run))
  if (level === 'refusal') throw new Error(message)
  if (level === 'warning' && run.request.configured.algorithm.usesReference) run.recorder.note(message)
}
