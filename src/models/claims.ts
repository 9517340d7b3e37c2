/**
 * The claims about each architecture: that its numbers equal those of transformers (goldens of test/golden, which `hone parity` compares), and
 * which real checkpoints were run. The Models page, `hone doctor --model` and the documents repeat these claims and make no others.
 */
import { architectures } from './architectures'
import type { Architecture, RopeType } from './architectures/architecture'
import type { ModelConfig } from './architectures/modelConfig'

export interface ArchitectureClaim extends Pick<Architecture, 'title' | 'exact' | 'ran'> {
  /** `model_type` of config.json. */
  readonly architecture: string
}

export const architectureClaims: readonly ArchitectureClaim[] = Object.values(architectures).map(({ name, title, exact, ran }) => ({
  ...{ architecture: name, title, exact, ran },
}))

export const ropeTypeOf = ({ rope_scaling }: Pick<ModelConfig, 'rope_scaling'>): RopeType => rope_scaling?.rope_type ?? 'plain'
