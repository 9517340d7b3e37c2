/** The starter world's front door. */
export { createStarterWorld, type StarterWorld } from './world'
export { copyCheck, expertTranscript, oraclePolicy, transcriptOf, type Message, type Transcript } from './expert'
export { sftCorpus, type SftCorpus, type SftSample } from './corpus'
export { formatCall, formatTools, parseCall, FINISH, GIVE_UP } from './callSyntax'
export {
  starterGenerationConfig,
  starterModelConfig,
  starterTokenizer,
  starterTokenizerConfig,
  specialTokens,
  chatTemplate,
} from './tokenizer'
