/** Chooses the call format that a model was trained on. */
import { callFormats } from '.'
import type { CallFormat, CallFormatDefinition, FormatEvidence } from './callFormat'

export type FormatChoice = { readonly ok: true; readonly format: CallFormat } | { readonly ok: false; readonly message: string }

const all = Object.values<CallFormatDefinition>(callFormats)

const known = new WeakMap<FormatEvidence, FormatChoice>()

/** The format that somebody chose, else the one that fits best; or one sentence that says why it cannot be used. */
export function callFormatFor(model: FormatEvidence): FormatChoice {
  const before = known.get(model)
  if (before) return before
  // A template is rendered some twenty times until it is known.
  const choice = chosenOrBest(model)
  known.set(model, choice)
  return choice
}

function chosenOrBest(model: FormatEvidence): FormatChoice {
  const { callFormat: name = null } = model
  if (name !== null) {
    const chosen = all.find((format) => format.name === name)
    if (!chosen) return { ok: false, message: `There is no call format ${name}; there is ${all.map((format) => format.name).join(', ')}.` }
    return created(chosen, model)
  }
  const [best] = all
    .map((format) => ({ format, confidence: format.recognise(model).confidence }))
    .toSorted((a, b) => b.confidence - a.confidence)
  if (best && best.confidence > 0) return created(best.format, model)
  return {
    ok: false,
    message: `${model.title} cannot act with tools, because no call format fits its tokenizer: ${needsOfAll(model)}. It can be trained on imported trajectories.`,
  }
}

function created(format: CallFormatDefinition, model: FormatEvidence): FormatChoice {
  try {
    return { ok: true, format: format.create(model) }
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    return { ok: false, message: `${model.title} cannot act with tools in the ${format.name} format. ${why}` }
  }
}

/** What is missing, and for which formats. */
function needsOfAll(model: FormatEvidence): string {
  const names = new Map<string, string[]>()
  for (const format of all) {
    const { needs = 'another chat template' } = format.recognise(model)
    names.set(needs, [...(names.get(needs) ?? []), format.name])
  }
  return [...names]
    .map(([needs, formats]) =>
      formats.length === 1
        ? `the ${formats.join()} format needs ${needs}`
        : `the formats ${formats.slice(0, -1).join(', ')} and ${formats.at(-1) ?? ''} need ${needs}`,
    )
    .join('; ')
}

/** Returns the format of `callFormatFor`, for models that were checked before. Throws an Error with its sentence if none fits. */
export function requireCallFormat(model: FormatEvidence): CallFormat {
  const choice = callFormatFor(model)
  if (!choice.ok) throw new Error(choice.message)
  return choice.format
}
