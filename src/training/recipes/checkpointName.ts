/** The checkpoint that transformers would load for a recipe's model. */
import { EMBEDDED_MODEL } from '../../models/embeddedModel'

/** A folder, or a name and revision on the Hub; null for a model that only Hone can open. */
export function checkpointOf(model: string | null): { readonly name: string; readonly revision: string | null } | null {
  if (model === null || model === EMBEDDED_MODEL || /^(random:|https?:)/.test(model)) return null
  const hub = /^hf:([^@]+)(?:@(.+))?$/.exec(model)
  return hub ? { name: hub[1] ?? '', revision: hub[2] ?? null } : { name: model, revision: null }
}
