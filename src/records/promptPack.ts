/** A prompt pack: a small JSON or YAML file with the texts of prompts, which takes the place of our own words. */
import { z } from 'zod'

const texts = z.strictObject({
  /** The system's text; `{tools}` stands for the list of tools and how to call them. */
  system: z.string().optional(),
  /** How to write a call, for models whose chat template does not say it. */
  how_to_call: z.string().optional(),
  /** How to end: what the last turn looks like. */
  finish: z.string().optional(),
})
export const promptPack = texts.extend({
  title: z.string().optional(),
  /** Texts of single call formats by name, which count before those above. */
  formats: z.record(z.string(), texts).default({}),
})
export type PromptPack = z.infer<typeof promptPack>
