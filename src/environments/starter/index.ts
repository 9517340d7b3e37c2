/** The starter world's front door. */
export { createStarterWorld, type StarterWorld } from './world'
export { copyCheck, expertTranscript, oraclePolicy, type Message } from './expert'
export { sftCorpus } from './corpus'
export { formatCall, FINISH, GIVE_UP } from './callSyntax'
export { starterGenerationConfig, starterModelConfig, starterTokenizer, starterTokenizerConfig, specialTokens } from './tokenizer'
