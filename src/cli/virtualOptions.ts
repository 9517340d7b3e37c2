/** Flags of `hone serve` for the tool server at `/virtual`. */
import { z } from 'zod'

export const virtualOptions = {
  tools: z.string().optional().meta({ help: 'folder or zip with StableToolBench’s tools: offers POST /virtual' }),
  cache: z.string().optional().meta({ help: 'folder or zip with its tool_response_cache: offers POST /virtual' }),
  config: z.string().optional().meta({ help: 'StableToolBench’s or MirrorAPI’s server/config.yml; flags overrule it' }),
  simulator: z
    .url({ protocol: /^https?$/ })
    .optional()
    .meta({
      help: 'address of an OpenAI-compatible server whose model plays the APIs that are not in the cache; its key is SIMULATOR_API_KEY',
    }),
  simulatorModel: z.string().optional().meta({ help: 'name of that model' }),
  simulatorPrompt: z.string().optional().meta({ help: 'file with its system prompt, such as the one it was trained with' }),
  toolSettings: z
    .string()
    .optional()
    .meta({ help: 'settings of the StableToolBench environment as JSON, such as {"simulator": "mirrorapi-cache", "timeout_s": 30}' }),
  save: z.string().optional().meta({ help: 'folder of new replies, in the cache’s format; by default .hone/tool_response_cache' }),
}

export type VirtualOptions = z.output<z.ZodObject<typeof virtualOptions>>
