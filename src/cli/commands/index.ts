/** The catalogue of commands: one line each. */
import { doctor } from './doctor'
import { serve } from './serve'

export const commands = { doctor, serve } as const
