/** What the tests of Python in a browser call: the page's own sandbox, and the worlds over it. */
import { fileOrArchive } from '../../../src/data/files/blobTree'
import { readMultiTurnData, type MultiTurnData } from '../../../src/environments/bfclMultiTurn/items'
import { openMultiTurnJudge, type MultiTurnVerdict } from '../../../src/environments/bfclMultiTurn/judge'
import type { PythonCallOptions, PythonResult, PythonSandbox } from '../../../src/environments/pythonSandbox'
import { toolHopBenchmark } from '../../../src/environments/toolhop/benchmark'
import { openBrowserPython } from '../../../src/worker/python/browserPython'
import { answerOf, type ChangedAnswer } from '../bfclAnswers'
import { miniBfcl } from '../miniBfcl'

let python: PythonSandbox | null = null

async function multiTurnData(address: string | null): Promise<MultiTurnData> {
  if (address === null) return readMultiTurnData(miniBfcl())
  return readMultiTurnData(await fileOrArchive(await (await fetch(address)).blob(), 'bfcl_eval.whl'))
}

const page = {
  run: async (code: string, options: PythonCallOptions = {}): Promise<PythonResult> =>
    (python ??= await openBrowserPython()).run(code, options),
  call: async (name: string, args: readonly unknown[]): Promise<PythonResult> => (python ??= await openBrowserPython()).call(name, args),
  /** Verdicts on the right calls of every item, then on changed answers. @param address of the wheel; null: the small package of ours. */
  async judge(
    address: string | null,
    changed: readonly ChangedAnswer[],
  ): Promise<{ right: MultiTurnVerdict[]; changed: MultiTurnVerdict[] }> {
    const data = await multiTurnData(address)
    const judge = await openMultiTurnJudge(openBrowserPython, data)
    const items = new Map(data.items.map((item) => [item.id, item]))
    const verdicts: { right: MultiTurnVerdict[]; changed: MultiTurnVerdict[] } = { right: [], changed: [] }
    for (const item of data.items)
      verdicts.right.push(
        await judge.judge(
          item,
          item.rightCalls.map((calls) => [calls]),
        ),
      )
    for (const row of changed) {
      const item = items.get(row.id)
      if (!item) throw new Error(`${row.id} is no item.`)
      verdicts.changed.push(await judge.judge(item, answerOf(item, row)))
    }
    await judge.close()
    return verdicts
  },
  /** Solves the first question of a ToolHop file. */
  async toolHop(text: string): Promise<readonly string[]> {
    const files = await fileOrArchive(new Blob([text]), 'ToolHop.json')
    const benchmark = await toolHopBenchmark.create({ files, python: openBrowserPython })
    const episode = await benchmark.environment.open(benchmark.queries('exam')[0] ?? null)
    const replies = await episode.call([
      { name: 'architect_of', arguments: { building: 'Lindern lighthouse' } },
      { name: 'works_of', arguments: { architect: 'Ada Venn', kind: 'bridge' } },
      { name: 'opening_year', arguments: { structure: 'Osker Bridge' } },
      { name: 'opening_year', arguments: { structure: 'elsewhere' } },
    ])
    return [...replies.map(({ text: reply }) => reply), (await episode.finish('<answer>1920</answer>')).status]
  },
}
export type PythonPage = typeof page
Object.assign(globalThis, { pythonPage: page })
