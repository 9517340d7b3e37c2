/** Recognises a recipe file by its content: Hone's own, StepTool's StepTool_ppo.json, TRL's, released code's YAML, or an algorithm's bare settings. */
import { z } from 'zod'
import { isTrlConfig, recipeFromTrl } from './fromTrl'
import { recipeFromObject, type ReadRecipe } from './recipe'
import { recipeFromReleased } from './released'
import { recipeFromSteptool } from './stepTool'
import { parseYaml } from './yaml'

/** Throws one sentence that names the file, the place, what was expected and what was found. */
export function readRecipe(file: string, text: string): ReadRecipe {
  if (/\.ya?ml$/i.test(file)) return recipeFromYaml(file, text)
  const found = objectOf(file, text)
  if ('peft_kwargs' in found || 'ppo_kwargs' in found) return recipeFromSteptool(file, text)
  if (isTrlConfig(found)) return recipeFromTrl(file, found)
  if ('version' in found || 'config' in found) return { ...recipeFromObject(file, found), assumed: [] }
  const { algorithm, seed, ...config } = found
  return { ...recipeFromObject(file, { algorithm, seed, config }), assumed: [] }
}

function recipeFromYaml(file: string, text: string): ReadRecipe {
  const { fields, otherDocuments } = parseYaml(file, text)
  const read = isTrlConfig(fields) ? recipeFromTrl(file, fields) : recipeFromReleased(file, fields)
  if (otherDocuments === 0) return read
  const reason = 'A recipe is one YAML document, so only the first document of the file is read.'
  return { ...read, ignored: [...read.ignored, { field: 'documents after the first', value: otherDocuments, reason }] }
}

function objectOf(file: string, text: string): Readonly<Record<string, unknown>> {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw new Error(`${file}: expected JSON, found ${error instanceof Error ? error.message : 'something else'}.`, { cause: error })
  }
  const parsed = z.record(z.string(), z.unknown()).safeParse(value)
  if (!parsed.success) throw new Error(`${file}: expected a JSON object, found ${Array.isArray(value) ? 'a list' : typeof value}.`)
  return parsed.data
}
