/** Every dataset format. To add one: a file here, a line below, a test. */
import { honeJsonl } from './honeJsonl'
import { steptoolConfig } from './steptoolConfig'
import { steptoolCsv } from './steptoolCsv'

export const formats = { steptoolCsv, steptoolConfig, honeJsonl } as const
