/** Every dataset format. To add one: a file here, a line below, a test. */
import { etoPairsCsv } from './etoPairsCsv'
import { honeJsonl } from './honeJsonl'
import { promptCompletionJsonl } from './promptCompletionJsonl'
import { steptoolConfig } from './steptoolConfig'
import { steptoolCsv } from './steptoolCsv'

export const formats = {
  steptoolCsv,
  etoPairsCsv,
  steptoolConfig,
  honeJsonl,
  promptCompletionJsonl,
} as const
