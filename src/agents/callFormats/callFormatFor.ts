/** Chooses the call format that a model was trained on. */
import { callFormats } from '.'
import type { CallFormat, CallFormatDefinition, FormatEvidence } from './callFormat'

export type FormatChoice = { readonly ok: true; readonly format: CallFormat } | { readonly ok: false; readonly message: string }

/** The format that fits best, or one sentence that says why none does. */
export function callFormatFor(model: FormatEvidence): FormatChoice {
  const tried = Object.values<CallFormatDefinition>(callFormats).map((format) => ({ format, ...format.recognise(model) }))
  const [best] = tried.toSorted((a, b) => b.confidence - a.confidence)
  if (best && best.confidence > 0) return { ok: true, format: best.format.create(model) }
  const needs = tried.map(({ format, needs }) => `the ${format.name} format needs ${needs ?? 'another chat template'}`).join('; ')
  return {
    ok: false,
    message: `${model.title} cannot act with tools, because no call format fits its tokenizer: ${needs}. It can be trained on imported trajectories.`,
  }
}

/** Returns the format of `callFormatFor`, for models that were checked before. Throws an Error with its sentence if none fits. */
export function requireCallFormat(model: FormatEvidence): CallFormat {
  const choice = callFormatFor(model)
  if (!choice.ok) throw new Error(choice.message)
  return choice.format
}
