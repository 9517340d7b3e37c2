/**
 * Measures src/ and shaders/: sizes, places that name an algorithm or the starter world outside their folders, import circles, long
 * functions and components, and comments that a simple check finds hard to read. `npm run -s house` prints the result.
 */
import { readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import ts from 'typescript'
import { commentRemarks, commentsIn, shortened, type Comment, type Place } from './houseComments.ts'
import { filesUnder, projectRoot, readSources, type SourceImport } from './sources.ts'

export interface FolderSize {
  readonly folder: string
  readonly files: number
  readonly lines: number
}

export interface House {
  readonly folders: readonly FolderSize[]
  /** The places outside training/algorithms/ that name an algorithm. */
  readonly algorithmNames: readonly Place[]
  /** The places outside environments/starter/ and the allowed files that name the starter world. */
  readonly starterNames: readonly Place[]
  /** The files of each import circle in order; type-only and dynamic imports count. */
  readonly importCircles: readonly (readonly string[])[]
  /** Functions of more than 60 lines that are not React components. */
  readonly longFunctions: readonly Place[]
  /** React components of more than 150 lines. */
  readonly longComponents: readonly Place[]
  /** Files of ui/pages/ with more than 200 lines. */
  readonly longPages: readonly Place[]
  /** Sentences of comments without a subject, or with words of the project's former private vocabulary. */
  readonly comments: readonly Place[]
  /** Identifiers and strings with words of the former private vocabulary. */
  readonly vocabulary: readonly Place[]
}

const FUNCTION_LINES = 60
const COMPONENT_LINES = 150
const PAGE_LINES = 200

/** The files that may name the starter world: catalogues, the defaults, and the world's own folder. */
const MAY_NAME_STARTER = [
  /^environments\/starter(\/|\.ts$)/,
  /^environments\/index\.ts$/,
  /^evaluation\/benchmarks\/index\.ts$/,
  /^agents\/callFormats\/index\.ts$/,
  /^studio\/defaults\.ts$/,
]
/** The files in which the word 'starter' alone is the embedded model or its files in public/starter/. */
const MAY_NAME_MODEL = [/^models\/embeddedModel\.ts$/, /^studio\/models\//, /^cli\/modelSpec\.ts$/]
const STARTER_TEXT = /\bstarter(’s|'s)? (tool )?(worlds?|corpus|benchmark|environment|prompts?|tools?|tasks?|quer(y|ies)|expert)\b/i
const STARTER_IDENTIFIER =
  /starter(worlds?|prompt|practice|corpus|samples?|benchmark|environment|fields?|markers?|quer(y|ies)|tasks?|call|tokeniz)|speaksstarter/i
const PRIVATE_IDENTIFIER =
  /(?<![A-Za-z])(room|workshop|desk|keeper|fates?|told|handover|roofs?|witness|nowhere|nearly)(?![a-z])|[a-z](Room|Workshop|Desk|Keeper|Fates?|Told|Roofs?|Witness)(?![a-z])|goingOn/
const PRIVATE_TEXT = /\b(told|held to|gone on with|goes? without|roofs?|witness|nowhere)\b/i

interface Parsed {
  /** Relative to src/. */
  readonly path: string
  readonly file: ts.SourceFile
  readonly comments: readonly Comment[]
}

export function measureHouse(): House {
  const parsed = parseSources()
  const names = algorithmNames(parsed)
  const sources = readSources('src')
  const imports: Imports = new Map(sources.map((source) => [source.path, source.imports.flatMap(importedFile)]))
  return {
    folders: folderSizes(),
    algorithmNames: [
      ...parsed.flatMap((source) => (isAlgorithm(source.path) ? [] : placesNaming(source, names))),
      ...importPlaces(
        parsed,
        imports,
        (path) => !isAlgorithm(path),
        (target) => /^training\/algorithms\/[^/]+\//.test(target),
      ),
    ],
    starterNames: [
      ...parsed.flatMap(starterPlaces),
      ...importPlaces(
        parsed,
        imports,
        (path) => !matches(path, MAY_NAME_STARTER),
        (target) => /^environments\/starter(\/|\.ts)/.test(target),
      ),
    ],
    importCircles: circles(imports),
    ...longParts(parsed),
    longPages: parsed
      .filter(({ path, file }) => /^ui\/pages\/.*\.tsx$/.test(path) && lineCount(file.text) > PAGE_LINES)
      .map(({ path, file }) => ({ path: `src/${path}`, line: 1, what: `${lineCount(file.text)} lines` })),
    comments: [...parsed.flatMap(({ path, comments }) => commentRemarks(`src/${path}`, comments)), ...shaderRemarks()],
    vocabulary: parsed.flatMap(vocabularyPlaces),
  }
}

/** What each file imports, types included; a worker's entry is started, not imported. */
type Imports = ReadonlyMap<string, readonly { readonly target: string; readonly line: number }[]>

const importedFile = ({ target, kind, line }: SourceImport): { target: string; line: number }[] =>
  target !== null && kind !== 'worker' ? [{ target, line }] : []

const matches = (path: string, patterns: readonly RegExp[]): boolean => patterns.some((pattern) => pattern.test(path))
const isAlgorithm = (path: string): boolean => path.startsWith('training/algorithms/')
const lineCount = (text: string): number => text.split('\n').length - 1
const textOf = (path: string): string => readFileSync(path, 'utf8')

function parseSources(): Parsed[] {
  const root = join(projectRoot, 'src')
  return filesUnder(root)
    .filter((path) => /\.(ts|tsx|js)$/.test(path))
    .map((path) => {
      const file = ts.createSourceFile(path, textOf(path), ts.ScriptTarget.Latest, true)
      return { path: relative(root, path).replaceAll('\\', '/'), file, comments: commentsIn(file) }
    })
}

/** One row per top folder of src/ and shaders/; files beside the folders count as `src/`. */
function folderSizes(): FolderSize[] {
  const sizes = new Map<string, { files: number; lines: number }>()
  for (const top of ['src', 'shaders']) {
    for (const path of filesUnder(join(projectRoot, top)).sort()) {
      const parts = relative(projectRoot, path).replaceAll('\\', '/').split('/')
      const folder = parts.length > 2 ? parts.slice(0, 2).join('/') : `${top}/`
      const size = sizes.get(folder) ?? { files: 0, lines: 0 }
      sizes.set(folder, { files: size.files + 1, lines: size.lines + lineCount(textOf(path)) })
    }
  }
  return [...sizes].map(([folder, size]) => ({ folder, ...size }))
}

/** The keys of the catalogue in training/algorithms/index.ts. */
function algorithmNames(parsed: readonly Pick<Parsed, 'path' | 'file'>[]): ReadonlySet<string> {
  const catalogue = parsed.find(({ path }) => path === 'training/algorithms/index.ts')
  const names = new Set<string>()
  const visit = (node: ts.Node): void => {
    if (ts.isVariableDeclaration(node) && node.name.getText() === 'algorithms' && node.initializer !== undefined) {
      const value =
        ts.isAsExpression(node.initializer) || ts.isSatisfiesExpression(node.initializer) ? node.initializer.expression : node.initializer
      if (ts.isObjectLiteralExpression(value)) {
        for (const { name } of value.properties) if (name !== undefined && !ts.isComputedPropertyName(name)) names.add(name.text)
      }
      return
    }
    ts.forEachChild(node, visit)
  }
  if (catalogue !== undefined) visit(catalogue.file)
  if (names.size === 0) throw new Error('src/training/algorithms/index.ts has no object literal `algorithms`: the names cannot be read.')
  return names
}

/** A part of code with its place. */
const placeOf = ({ path, file }: Pick<Parsed, 'path' | 'file'>, node: ts.Node, what: string): Place => ({
  path: `src/${path}`,
  line: file.getLineAndCharacterOfPosition(node.getStart(file)).line + 1,
  what,
})

const isText = (node: ts.Node): node is ts.StringLiteralLike | ts.TemplateHead | ts.TemplateMiddle | ts.TemplateTail | ts.JsxText =>
  ts.isStringLiteralLike(node) || ts.isTemplateHead(node) || ts.isTemplateMiddle(node) || ts.isTemplateTail(node) || ts.isJsxText(node)

const isSpecifier = ({ parent }: ts.Node): boolean =>
  ts.isImportDeclaration(parent) || ts.isExportDeclaration(parent) || (ts.isLiteralTypeNode(parent) && ts.isImportTypeNode(parent.parent))

/** Every node under a file, in order. */
function walk(file: ts.SourceFile, see: (node: ts.Node) => void): void {
  const visit = (node: ts.Node): void => {
    see(node)
    ts.forEachChild(node, visit)
  }
  visit(file)
}

/** Strings equal to a name, strings that have a name as a word, and object literals with two or more names as keys. */
function placesNaming(source: Parsed, names: ReadonlySet<string>): Place[] {
  const places: Place[] = []
  const asWord = new RegExp(`(^|[\\s“"(])(${[...names].join('|')})(?=[\\s,;:”")’]|\\.(\\s|$)|$)`)
  walk(source.file, (node) => {
    if (isText(node) && !isSpecifier(node)) {
      if (names.has(node.text)) places.push(placeOf(source, node, `'${node.text}'`))
      else if (asWord.test(node.text)) places.push(placeOf(source, node, `text: ${shortened(node.text)}`))
    }
    if (ts.isObjectLiteralExpression(node)) {
      const keys = node.properties.flatMap(({ name }) =>
        name !== undefined && ts.isIdentifier(name) && names.has(name.text) ? [name.text] : [],
      )
      if (keys.length > 1) places.push(placeOf(source, node, `table by name: ${keys.join(', ')}`))
    }
  })
  return places
}

function starterPlaces(source: Parsed): Place[] {
  const { path } = source
  if (matches(path, MAY_NAME_STARTER)) return []
  const places: Place[] = source.comments
    .filter(({ text }) => STARTER_TEXT.test(text))
    .map(({ line, text }) => ({ path: `src/${path}`, line, what: `comment: ${shortened(text)}` }))
  walk(source.file, (node) => {
    if (ts.isIdentifier(node) && STARTER_IDENTIFIER.test(node.text)) places.push(placeOf(source, node, node.text))
    if (!isText(node) || isSpecifier(node)) return
    if (/^starter(-corpus)?$/.test(node.text) && !matches(path, MAY_NAME_MODEL)) places.push(placeOf(source, node, `'${node.text}'`))
    else if (STARTER_TEXT.test(node.text)) places.push(placeOf(source, node, `text: ${shortened(node.text)}`))
  })
  return places
}

function vocabularyPlaces(source: Parsed): Place[] {
  const places: Place[] = []
  walk(source.file, (node) => {
    if (ts.isIdentifier(node) && PRIVATE_IDENTIFIER.test(node.text)) places.push(placeOf(source, node, node.text))
    if (isText(node) && !isSpecifier(node) && PRIVATE_TEXT.test(node.text))
      places.push(placeOf(source, node, `text: ${shortened(node.text)}`))
  })
  return places
}

function importPlaces(
  parsed: readonly Parsed[],
  imports: Imports,
  counts: (path: string) => boolean,
  isNamed: (target: string) => boolean,
): Place[] {
  return parsed.flatMap(({ path }) =>
    counts(path)
      ? (imports.get(path) ?? []).flatMap(({ target, line }) =>
          isNamed(target) ? [{ path: `src/${path}`, line, what: `imports ${target}` }] : [],
        )
      : [],
  )
}

type Lengths = Pick<House, 'longFunctions' | 'longComponents'>

function longParts(parsed: readonly Parsed[]): Lengths {
  const longFunctions: Place[] = []
  const longComponents: Place[] = []
  for (const source of parsed) {
    const lineOf = (position: number): number => source.file.getLineAndCharacterOfPosition(position).line
    walk(source.file, (node) => {
      if (!ts.isFunctionLike(node) || !('body' in node) || node.body === undefined) return
      const lines = lineOf(node.getEnd()) - lineOf(node.getStart(source.file)) + 1
      const name = functionName(node)
      const isComponent = source.path.endsWith('.tsx') && /^[A-Z]/.test(name)
      if (lines > (isComponent ? COMPONENT_LINES : FUNCTION_LINES)) {
        ;(isComponent ? longComponents : longFunctions).push(placeOf(source, node, `${name}: ${lines} lines`))
      }
    })
  }
  return { longFunctions, longComponents }
}

function functionName(node: ts.SignatureDeclaration): string {
  if (node.name !== undefined) return node.name.getText()
  // A function given to memo() or forwardRef() has the name of the variable.
  let { parent }: { parent: ts.Node } = node
  while (ts.isCallExpression(parent) || ts.isParenthesizedExpression(parent)) parent = parent.parent
  return ts.isVariableDeclaration(parent) || ts.isPropertyAssignment(parent) ? parent.name.getText() : '(anonymous)'
}

/** Circles that share no file, each the shortest through its first file in the order of names. */
function circles(imports: Imports): string[][] {
  const found: string[][] = []
  const inCircle = new Set<string>()
  for (const path of [...imports.keys()].sort()) {
    if (inCircle.has(path)) continue
    const circle = shortestCircle(path, imports)
    if (circle === null) continue
    for (const member of circle) inCircle.add(member)
    found.push(circle)
  }
  return found
}

/** The shortest way from a file back to itself, the file at both ends; null when there is none. */
function shortestCircle(start: string, imports: Imports): string[] | null {
  const cameFrom = new Map<string, string>()
  const queue = [start]
  for (const path of queue) {
    for (const { target } of imports.get(path) ?? []) {
      if (target === start) {
        const trail = [start]
        for (let at = path; at !== start; at = cameFrom.get(at)!) trail.unshift(at)
        return [start, ...trail]
      }
      if (cameFrom.has(target)) continue
      cameFrom.set(target, path)
      queue.push(target)
    }
  }
  return null
}

function shaderRemarks(): Place[] {
  return filesUnder(join(projectRoot, 'shaders'))
    .filter((path) => path.endsWith('.wgsl'))
    .sort()
    .flatMap((path) => {
      const comments = textOf(path)
        .split('\n')
        .flatMap((text, index) => (text.includes('//') ? [{ line: index + 1, text: text.slice(text.indexOf('//') + 2).trim() }] : []))
      return commentRemarks(relative(projectRoot, path).replaceAll('\\', '/'), comments)
    })
}
