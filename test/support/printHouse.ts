/** Prints what measureHouse.ts counts: a table of figures; with `--list` every place too; with `--json` one JSON object. */
import type { Place } from './houseComments.ts'
import { measureHouse, type House } from './measureHouse.ts'

const say = (line: string): void => void process.stdout.write(`${line}\n`)

export function printHouse(args: readonly string[]): void {
  const unknown = args.find((arg) => arg !== '--list' && arg !== '--json')
  if (unknown !== undefined) {
    process.stderr.write(`house knows --list and --json, not ${unknown}.\n`)
    process.exitCode = 1
    return
  }
  const house = measureHouse()
  if (args.includes('--json')) say(JSON.stringify(house))
  else printFigures(house, args.includes('--list'))
}

function printFigures(house: House, isListed: boolean): void {
  const width = Math.max(...house.folders.map(({ folder }) => folder.length))
  for (const { folder, files, lines } of house.folders)
    say(`${folder.padEnd(width)} ${String(files).padStart(5)} files ${String(lines).padStart(7)} lines`)
  const total = (key: 'files' | 'lines'): number => house.folders.reduce((sum, folder) => sum + folder[key], 0)
  say(`${'in all'.padEnd(width)} ${String(total('files')).padStart(5)} files ${String(total('lines')).padStart(7)} lines\n`)
  const figure = (title: string, wanted: string, places: readonly Place[]): void => {
    say(`${String(places.length).padStart(5)}  ${title}${wanted}`)
    if (isListed) for (const { path, line, what } of places) say(`         ${path}:${line} ${what}`)
  }
  figure('places outside training/algorithms/ that name an algorithm', ' (wanted: 0)', house.algorithmNames)
  figure('places outside environments/starter/ that name the starter world', ' (wanted: 0)', house.starterNames)
  figure(
    'import circles, type-only imports included',
    ' (wanted: 0)',
    house.importCircles.map((circle) => ({ path: `src/${circle[0] ?? ''}`, line: 1, what: circle.join(' → ') })),
  )
  figure('functions over 60 lines that are not components', ' (wanted: at most 15)', house.longFunctions)
  figure('components over 150 lines', ' (wanted: 0)', house.longComponents)
  figure('pages over 200 lines', ' (wanted: 0)', house.longPages)
  figure('sentences in comments without a subject or with private vocabulary', '', house.comments)
  figure('identifiers and strings with private vocabulary', '', house.vocabulary)
}
