/** The catalogue of commands: one line each. */
import { doctor } from './doctor'
import { makeStarter } from './makeStarter'
import { serve } from './serve'

export const commands = { doctor, makeStarter, serve } as const
