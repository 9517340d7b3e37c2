/** The words of prompts: our own, or those of a prompt pack in their place. */
import type { PromptPack } from '../../records/promptPack'

/** The texts of one format. */
export interface Prompts {
  readonly system: string
  readonly howToCall: string
  readonly finish: string
}

export const SYSTEM = 'Answer the user with the help of the tools. Look values up instead of guessing them.\n\n{tools}'
export const FINISH_PLAINLY = 'When you know the answer, reply with the answer alone and call no tool.'

/** Our own words, or those of the pack where it has any. */
export function promptsOf(format: string, own: Prompts, pack: PromptPack | undefined): Prompts {
  const special = pack?.formats[format]
  return {
    system: special?.system ?? pack?.system ?? own.system,
    howToCall: special?.how_to_call ?? pack?.how_to_call ?? own.howToCall,
    finish: special?.finish ?? pack?.finish ?? own.finish,
  }
}
