/**
 * What may be said of each architecture: that its numbers are those of transformers (goldens of test/golden, compared by `hone parity`), and
 * that real checkpoints were run. One table: the Models page, `hone doctor --model` and the documents say what stands here and no more.
 */
import type { ModelConfig, ModelType, RopeScaling } from './architectures/config'

type RopeType = RopeScaling['rope_type'] | 'plain'

export interface ArchitectureClaim {
  /** `model_type` of config.json. */
  readonly architecture: ModelType
  readonly title: string
  /** Rotary scaling → goldens of transformers the engine's numbers are held to. Scalings that are not named were not compared. */
  readonly exact: Readonly<Partial<Record<RopeType, readonly string[]>>>
  /** Checkpoints with trained weights that were run. */
  readonly ran: readonly string[]
}

export const architectureClaims: readonly ArchitectureClaim[] = [
  {
    architecture: 'qwen2',
    title: 'Qwen 2 and 2.5',
    exact: { plain: ['tiny_qwen2', 'tiny_qwen2_untied'], yarn: ['tiny_qwen2_yarn'] },
    ran: ['the starter model'],
  },
  { architecture: 'qwen3', title: 'Qwen 3', exact: { plain: ['tiny_qwen3'] }, ran: [] },
  {
    architecture: 'llama',
    title: 'Llama 2 and 3',
    exact: { plain: ['tiny_llama'], llama3: ['tiny_llama3'], linear: ['tiny_llama_bias'] },
    ran: [],
  },
]

export const ropeTypeOf = ({ rope_scaling }: Pick<ModelConfig, 'rope_scaling'>): RopeType => rope_scaling?.rope_type ?? 'plain'
