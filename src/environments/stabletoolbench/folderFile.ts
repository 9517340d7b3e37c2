/** Files of a tools folder or a response cache: read when they are needed, of a bounded size, as JSON in Python's sense. */
import type { FileTree } from '../../base/fileTree'
import { PythonJsonError, pythonFromJson } from '../../base/pythonRepr'
import type { PythonDict, PythonValue } from '../../base/pythonValue'

/** The largest cache file of StableToolBench has about 10 MB; what an archive claims to hold beyond this is not unpacked. */
const MAX_FILE_BYTES = 64 * 2 ** 20

/** What was wrong with one file, as a sentence. */
export class FolderFileError extends Error {
  override readonly name = 'FolderFileError'
}

/** The dict in a JSON file; null when there is no such file. Throws a FolderFileError for a file that holds something else. */
export async function readDict(tree: FileTree, path: string, maxBytes = MAX_FILE_BYTES): Promise<PythonDict | null> {
  const fail = (expected: string, found: string): never => {
    throw new FolderFileError(`${tree.title}, ${path}: expected ${expected}, found ${found}. This file is left out.`)
  }
  let text: string
  try {
    const blob = await tree.blob(path)
    if (blob === null) return null
    if (blob.size > maxBytes) return fail(`at most ${maxBytes / 2 ** 20} MB`, `${Math.ceil(blob.size / 2 ** 20)} MB`)
    text = await blob.text()
  } catch (error) {
    if (error instanceof FolderFileError) throw error
    return fail('a file that can be read', error instanceof Error ? error.message.replace(/\.$/, '') : 'something else')
  }
  return dictOf(text) ?? fail('a JSON object', 'JSON that is cut off or malformed')
}

/** The dict that JSON text holds; null when it holds none. @param strict false: strings may hold control characters. */
export function dictOf(text: string, strict = true): PythonDict | null {
  try {
    const value = pythonFromJson(text, { strict })
    return value instanceof Map ? value : null
  } catch (error) {
    if (error instanceof PythonJsonError) return null
    throw error
  }
}

export const textAt = (dict: PythonDict, key: string): string => {
  const value = dict.get(key)
  return typeof value === 'string' ? value : ''
}

export const listAt = (dict: PythonDict, key: string): PythonValue[] => {
  const value = dict.get(key)
  return Array.isArray(value) ? value : []
}

export const dict = (fields: Readonly<Record<string, PythonValue>>): PythonDict => new Map<PythonValue, PythonValue>(Object.entries(fields))

/** By characters, as Python counts them. */
export const firstCharacters = (text: string, count: number): string =>
  text.length <= count ? text : Array.from(text).slice(0, count).join('')
