/** `hone export --to steptool-answers|converted`: attempts as StepTool's and StableToolBench's evaluation reads them. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { dumpsPython } from '../base/pythonJson'
import { pythonFromPlain, type PythonDict } from '../base/pythonValue'
import { answerFile } from '../data/answers/answerFile'
import { convertAnswer } from '../data/answers/convertAnswer'
import { answerOfTrajectory, answerText, type WrittenAnswer } from '../data/answers/writeAnswer'
import { runOfSource } from '../records/dataSource'
import { UsageError, type CommandContext, type JsonObject } from './command'
import { withStudio } from './openStudio'
import { openDataWords } from './runSources'

export interface AnswerExport {
  readonly to: 'steptool-answers' | 'converted'
  /** A folder for answer files, a file for converted answers. */
  readonly out: string
  /** The folder of the set inside `out`. */
  readonly set: string
}

export function exportAnswers(inputs: readonly string[], { to, out, set }: AnswerExport, context: CommandContext): Promise<JsonObject> {
  if (!/^[\w][\w.-]*$/.test(set))
    throw new UsageError(`--set: expected a name of letters, digits, "_", "-" and ".", found ${JSON.stringify(set)}.`)
  return withStudio(context, async (studio) => {
    const written = new Map<string, WrittenAnswer>()
    const skipped: { readonly trajectory_id: string; readonly reason: string }[] = []
    for (const id of await openDataWords(studio, inputs, context)) {
      const run_id = runOfSource(id)
      for (const trajectory of await studio.trajectories.list(run_id === null ? { dataset_id: id } : { run_id })) {
        const answer = answerOfTrajectory(trajectory)
        const key = to === 'converted' ? answer.queryId : answer.name
        const problem = problemOf(answer, written.has(key))
        if (problem === null) written.set(key, answer)
        else skipped.push({ trajectory_id: trajectory.trajectory_id, reason: problem })
      }
    }
    for (const { trajectory_id, reason } of skipped) context.progress(`${trajectory_id} was left out: ${reason}`)
    if (written.size === 0) throw new UsageError(`No answer could be written: ${skipped[0]?.reason ?? 'there is no trajectory.'}`)
    const files = to === 'converted' ? [writeConverted(out, written)] : writeAnswers(join(out, set), written)
    return { files, trajectories: written.size, skipped }
  })
}

/** The names of the files follow from the ids of the queries. */
function problemOf({ queryId, name }: WrittenAnswer, isTaken: boolean): string | null {
  if (isTaken) return `Another attempt at query ${queryId} has the name ${name}; export it to another place.`
  return /^[\w@.-]{1,200}$/.test(name) && !name.startsWith('.')
    ? null
    : `The id of its query, ${JSON.stringify(queryId)}, cannot be the name of a file.`
}

function writeAnswers(folder: string, written: ReadonlyMap<string, WrittenAnswer>): string[] {
  mkdirSync(folder, { recursive: true })
  return [...written].map(([name, answer]) => {
    const file = join(folder, name)
    writeFileSync(file, answerText(answer))
    return file
  })
}

function writeConverted(file: string, written: ReadonlyMap<string, WrittenAnswer>): string {
  const all: PythonDict = new Map(
    [...written].map(([queryId, answer]) => [queryId, pythonFromPlain(convertAnswer(answerFile.parse(answer.file), answer))]),
  )
  writeFileSync(file, dumpsPython(all, { indent: 2 }))
  return file
}
