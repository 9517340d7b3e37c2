/** The starter world's front door. */
export { createStarterWorld, type StarterWorld } from './starter/world'
export { copyCheck, expertTranscript, oraclePolicy, type Message } from './starter/expert'
export { sftCorpus, type SftCorpusOptions } from './starter/corpus'
export { formatCall, FINISH, GIVE_UP } from './starter/callSyntax'
export { starterGenerationConfig, starterModelConfig, starterTokenizer, starterTokenizerConfig, specialTokens } from './starter/tokenizer'
