/** Every dataset format. To add one: a file here, a line below, a test. */
import { convertedAnswers } from './convertedAnswers'
import { etoPairsCsv } from './etoPairsCsv'
import { honeJsonl } from './honeJsonl'
import { promptCompletionJsonl } from './promptCompletionJsonl'
import { steptoolAnswer } from './steptoolAnswer'
import { steptoolConfig } from './steptoolConfig'
import { steptoolCsv } from './steptoolCsv'

export const formats = {
  steptoolCsv,
  etoPairsCsv,
  steptoolConfig,
  steptoolAnswer,
  convertedAnswers,
  honeJsonl,
  promptCompletionJsonl,
} as const
