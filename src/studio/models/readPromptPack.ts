/** Reads a prompt pack: YAML, of which JSON is a part. */
import { promptPack, type PromptPack } from '../../records/promptPack'
import { parseYaml } from '../../training/recipes/yaml'

const MOST_CHARACTERS = 200_000

/** Throws an Error that names the file, the place, what was expected and what was found. */
export function readPromptPack(text: string, file: string): PromptPack {
  if (text.length > MOST_CHARACTERS)
    throw new Error(`${file}: expected a prompt pack of at most ${MOST_CHARACTERS} characters, found ${text.length}.`)
  const read = promptPack.safeParse(parseYaml(file, text).fields)
  if (read.success) return read.data
  const [issue] = read.error.issues
  const key = issue && issue.path.length > 0 ? `${issue.path.join('.')}: ` : ''
  throw new Error(`${file}: ${key}expected the texts system, how_to_call and finish, and formats with the same. ${issue?.message ?? ''}`)
}
