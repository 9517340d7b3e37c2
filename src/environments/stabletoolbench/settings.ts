/** The settings of the StableToolBench environment: StepTool's names where it has them. */
import { z } from 'zod'

export const stableToolBenchSettings = z.object({
  matching: z
    .enum(['exact', 'released'])
    .default('exact')
    .meta({ help: 'exact: a function is called by its whole name, and every parameter is shown; released: as the released code does' }),
  name_length: z.int().min(16).optional().meta({
    help: 'only so many characters from the end of a function’s name; OpenAI’s servers take at most 64, as StableToolBench does; by default all',
  }),
  max_observation_length: z.int().min(1).default(1024).meta({ help: 'characters of a reply that the model reads' }),
  server: z
    .enum(['steptool', 'stabletoolbench'])
    .default('steptool')
    .meta({ help: 'steptool: simulated replies of the cache are used after the real API; stabletoolbench: before it' }),
  result_filter: z
    .enum(['steptool', 'stabletoolbench', 'none'])
    .default('steptool')
    .meta({ help: 'the list of words by which a reply is recognised as no result' }),
  filter_words: z.array(z.string().min(1)).default([]).meta({ help: 'further words that make a reply no result' }),
  simulator: z
    .enum(['chat', 'mirrorapi', 'mirrorapi-cache'])
    .default('chat')
    .meta({ help: 'how the model that plays the APIs is asked: as a general chat model, or as MirrorAPI’s models' }),
  simulator_temperature: z.number().min(0).optional().meta({ help: 'temperature of that model' }),
  simulator_prompt: z
    .string()
    .optional()
    .meta({ help: 'system prompt of that model, such as the one it was trained with; by default Hone’s own' }),
  service_url: z
    .url({ protocol: /^https?$/ })
    .optional()
    .meta({ help: 'a running tool server, such as http://localhost:8080/virtual; by default the folder’s own cache' }),
  timeout_s: z.number().positive().default(60).meta({ help: 'seconds after which a call of a tool has failed' }),
})

export type StableToolBenchSettings = z.output<typeof stableToolBenchSettings>
