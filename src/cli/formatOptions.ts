/** Flags that choose how a model's prompts are written and its calls are read, and what they put into a request. */
import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { z } from 'zod'
import { callFormats } from '../agents/callFormats'
import type { EvaluateRequest } from '../records/requests'
import { readPromptPack } from '../studio/models/readPromptPack'
import { UsageError } from './command'

const names = Object.keys(callFormats) as (keyof typeof callFormats)[]

export const formatOptions = {
  callFormat: z.enum(names).optional().meta({ help: 'how the model writes its calls; by default as its chat template teaches it' }),
  promptPack: z
    .string()
    .optional()
    .meta({ help: 'JSON or YAML file with texts of prompts (system, how_to_call, finish; formats.NAME) in place of our own' }),
} as const

type FormatOptions = z.output<z.ZodObject<typeof formatOptions>>

export function formatGiven({ callFormat, promptPack: file }: FormatOptions): Pick<EvaluateRequest, 'callFormat' | 'promptPack'> {
  return {
    ...(callFormat === undefined ? {} : { callFormat }),
    ...(file === undefined ? {} : { promptPack: readPromptPack(textOf(file), basename(file)) }),
  }
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    throw new UsageError(`There is no prompt pack ${file}.`)
  }
}
