/**
 * The command line: finds the command, reads its flags, runs it, prints its result.
 * Vite bundles it into dist-cli/hone.js; `launch.js` rebuilds that when sources changed.
 */
import { setMaxListeners } from 'node:events'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { visibleJson, visibleText } from '../base/visibleText'
import { parseCommandLine } from './args'
import { InterruptedError, INTERRUPTED_CODE, UsageError, type Command, type CommandContext } from './command'
import { commands } from './commands/index'
import { createContext, SENTENCE_SHOWN } from './context'
import { commandHelp, overview } from './help'

const catalogue: readonly Command[] = Object.values(commands)

// Every episode under way listens to the signal that stops its job, and Node would warn of a leak from the eleventh on.
setMaxListeners(0)

async function main(argv: readonly string[]): Promise<void> {
  const [name, ...rest] = argv
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    await printLine(overview(catalogue))
    return
  }
  const command = catalogue.find((candidate) => candidate.name === name)
  if (command === undefined) throw new UsageError(`There is no command "${name}"; hone --help lists them.`)
  const { global, options, extra } = parseCommandLine(command, rest)
  if (global.help) {
    await printLine(commandHelp(command, options))
    return
  }
  const host = createContext({
    ...global,
    projectRoot: dirname(dirname(fileURLToPath(import.meta.url))),
    ...interrupts(),
  })
  try {
    const result = await command.run(host.context, options, extra)
    await printLine(global.json ? visibleJson(result) : visibleText(command.show(result)))
  } finally {
    host.close()
  }
}

/** The first Ctrl-C asks the command to pause, where it can, else to stop; the second ends the process. */
function interrupts(): Pick<CommandContext, 'signal' | 'onInterrupt'> {
  const controller = new AbortController()
  let pause: (() => void) | null = null
  process.once('SIGINT', () => {
    process.once('SIGINT', () => process.exit(INTERRUPTED_CODE))
    if (pause) pause()
    else controller.abort(new InterruptedError('Stopped.'))
  })
  process.once('SIGTERM', () => {
    controller.abort(new UsageError('Stopped.'))
  })
  return {
    signal: controller.signal,
    onInterrupt: (instead) => {
      pause = instead
    },
  }
}

/** Resolves when the text has left the process, so that leaving right after loses nothing. */
function printLine(text: string): Promise<void> {
  return new Promise((resolve) => {
    process.stdout.write(text === '' ? '' : `${text}\n`, () => {
      resolve()
    })
  })
}

/** One sentence for the user; the stack only under HONE_DEBUG. */
function failureText(error: unknown): string {
  if (!(error instanceof Error)) return `hone: ${visibleText(String(error), SENTENCE_SHOWN)}`
  if (process.env.HONE_DEBUG !== undefined && process.env.HONE_DEBUG !== '') return error.stack ?? error.message
  const hint = error instanceof TypeError || error instanceof RangeError ? ' (HONE_DEBUG=1 shows where)' : ''
  return `hone: ${visibleText(error.message, SENTENCE_SHOWN)}${hint}`
}

// A reader that closes early (`| head`) is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1))

main(process.argv.slice(2)).then(
  () => process.exit(0),
  (error: unknown) => {
    const code = error instanceof InterruptedError ? INTERRUPTED_CODE : 1
    process.stderr.write(`${failureText(error)}\n`, () => process.exit(code))
  },
)
