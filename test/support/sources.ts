/** Reads source files as the architecture test sees them: what they import, and which globals they touch. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, relative, resolve as resolvePath } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'

export const projectRoot = join(dirname(fileURLToPath(import.meta.url)), '../..')

export interface SourceImport {
  readonly specifier: string
  /** Path under the folder that was read; null for a package or an asset. */
  readonly target: string | null
  readonly kind: 'static' | 'type' | 'dynamic' | 'worker'
  readonly line: number
}

export interface Source {
  /** Relative to the folder that was read, with forward slashes. */
  readonly path: string
  readonly imports: readonly SourceImport[]
  /** Relative specifiers that lead nowhere. */
  readonly missing: readonly string[]
  /** Free identifiers, and calls a plain module must be handed instead, as `Math.random()`. */
  readonly globals: readonly { readonly name: string; readonly line: number }[]
}

export function readSources(folder: string): Source[] {
  const base = resolvePath(projectRoot, folder)
  return filesUnder(base)
    .filter((path) => /\.(ts|tsx|js)$/.test(path) && !path.endsWith('.d.ts'))
    .map((path) => readSource(base, path))
}

export function filesUnder(directory: string, entered: (name: string) => boolean = () => true): string[] {
  if (!existsSync(directory)) return []
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const path = join(directory, entry.name)
    if (!entry.isDirectory()) return [path]
    return entered(entry.name) ? filesUnder(path, entered) : []
  })
}

function readSource(base: string, path: string): Source {
  const file = ts.createSourceFile(path, readFileSync(path, 'utf8'), ts.ScriptTarget.Latest, true)
  const found: { specifier: string; kind: SourceImport['kind']; line: number }[] = []
  const declared = new Set<string>()
  const used: { name: string; line: number }[] = []
  const lineOf = (node: ts.Node): number => file.getLineAndCharacterOfPosition(node.getStart(file)).line + 1
  const use = (name: string, node: ts.Node): void => void used.push({ name, line: lineOf(node) })
  const visit = (node: ts.Node): void => {
    const reference = importIn(node)
    if (reference !== null) found.push({ ...reference, line: lineOf(node) })
    const name = declaredName(node)
    if (name !== null) declared.add(name)
    if (ts.isIdentifier(node) && isFreeUse(node)) use(node.text, node)
    const handedIn = handedInCall(node)
    if (handedIn !== null) use(handedIn, node)
    ts.forEachChild(node, visit)
  }
  visit(file)
  const resolved = found.map((reference) => ({ ...reference, resolution: resolve(path, reference.specifier) }))
  return {
    path: relative(base, path).replaceAll('\\', '/'),
    imports: resolved.map(({ specifier, kind, line, resolution }) => {
      const target = typeof resolution?.path !== 'string' ? null : relative(base, resolution.path).replaceAll('\\', '/')
      return { specifier, kind, line, target: target?.startsWith('..') === true ? null : target }
    }),
    missing: resolved.filter(({ resolution }) => resolution !== null && resolution.path === null).map(({ specifier }) => specifier),
    globals: used.filter(({ name }) => !declared.has(name.replace(/[(.].*/, ''))),
  }
}

/** Static and dynamic imports, re-exports, `import('…')` types and workers: `new URL('…', import.meta.url)` and `'…?worker&url'`. */
function importIn(node: ts.Node): { specifier: string; kind: SourceImport['kind'] } | null {
  if (ts.isImportDeclaration(node) && ts.isStringLiteral(node.moduleSpecifier)) {
    // The address of a worker's script, which is started and not imported.
    if (/\?worker&url$/.test(node.moduleSpecifier.text)) return { specifier: node.moduleSpecifier.text, kind: 'worker' }
    return {
      specifier: node.moduleSpecifier.text,
      kind: node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword ? 'type' : 'static',
    }
  }
  if (ts.isExportDeclaration(node) && node.moduleSpecifier !== undefined && ts.isStringLiteral(node.moduleSpecifier)) {
    return { specifier: node.moduleSpecifier.text, kind: node.isTypeOnly ? 'type' : 'static' }
  }
  if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument) && ts.isStringLiteral(node.argument.literal)) {
    return { specifier: node.argument.literal.text, kind: 'type' }
  }
  const first = ts.isCallExpression(node) || ts.isNewExpression(node) ? node.arguments?.[0] : undefined
  if (first === undefined || !ts.isStringLiteral(first)) return null
  if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) return { specifier: first.text, kind: 'dynamic' }
  const isWorkerUrl =
    ts.isNewExpression(node) && node.expression.getText() === 'URL' && node.arguments?.[1]?.getText() === 'import.meta.url'
  return isWorkerUrl ? { specifier: first.text, kind: 'worker' } : null
}

/** The file a relative specifier means, its path null when there is none; null for packages. */
function resolve(from: string, specifier: string): { readonly path: string | null } | null {
  if (!specifier.startsWith('.')) return null
  const path = join(dirname(from), specifier.replace(/\?.*$/, ''))
  const candidates = [path, `${path}.ts`, `${path}.tsx`, `${path}.js`, join(path, 'index.ts')]
  return { path: candidates.find((candidate) => existsSync(candidate) && statSync(candidate).isFile()) ?? null }
}

function declaredName(node: ts.Node): string | null {
  const isDeclaration =
    ts.isVariableDeclaration(node) ||
    ts.isParameter(node) ||
    ts.isBindingElement(node) ||
    ts.isFunctionDeclaration(node) ||
    ts.isImportSpecifier(node) ||
    ts.isImportClause(node)
  return isDeclaration && node.name !== undefined && ts.isIdentifier(node.name) ? node.name.text : null
}

/** Not a property's name, a key or a declaration's own name. */
function isFreeUse(node: ts.Identifier): boolean {
  const { parent } = node
  if (ts.isPropertyAccessExpression(parent)) return parent.expression === node
  if (ts.isTypeQueryNode(parent) || ts.isTypeReferenceNode(parent) || ts.isQualifiedName(parent)) return false
  if (ts.isShorthandPropertyAssignment(parent)) return true
  return (
    !('name' in parent && parent.name === node) && !('propertyName' in parent && parent.propertyName === node) && !ts.isJsxAttribute(parent)
  )
}

/** Clocks, randomness and the network are parts one is given. */
function handedInCall(node: ts.Node): string | null {
  if (ts.isNewExpression(node) && node.expression.getText() === 'Date' && (node.arguments?.length ?? 0) === 0) return 'Date()'
  if (!ts.isCallExpression(node)) return null
  const callee = node.expression.getText()
  return ['Math.random', 'Date.now', 'fetch'].includes(callee) ? `${callee}()` : null
}
