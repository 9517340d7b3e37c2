/** The catalogue of commands: one line each. */
import { bench } from './bench'
import { doctor } from './doctor'
import { makeStarter } from './makeStarter'
import { serve } from './serve'

export const commands = { bench, doctor, makeStarter, serve } as const
