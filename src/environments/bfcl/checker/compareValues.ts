/** Compares a value with the right answers: strings without blanks, punctuation and case, lists item by item, dicts key by key. */
import { equalPython, includesPython } from '../../../base/pythonEquals'
import type { PythonDict, PythonValue } from '../../../base/pythonValue'
import { finding, shown, type Finding } from './finding'

/** An answer that cannot be compared at all: bfcl-eval's checker stops with an exception there. */
class NotComparable extends Error {}

const notComparable = (expected: string, found: PythonValue): never => {
  throw new NotComparable(`expected ${expected}, found ${shown(found)}`)
}

/** Runs a check; an answer that it cannot compare is a finding of its own. */
export function comparing(parameter: string, check: () => Finding | null): Finding | null {
  try {
    return check()
  } catch (error) {
    if (!(error instanceof NotComparable)) throw error
    return finding('checker_error:not_comparable', `Parameter "${parameter}" cannot be compared: ${error.message}.`)
  }
}

/** "April 1, 2024" and "april 1 2024" are the same answer. */
const standardString = (text: string): string =>
  text
    .replace(/[ ,./\-_*^]/g, '')
    .toLowerCase()
    .replaceAll("'", '"')

const standard = (value: PythonValue): PythonValue => (typeof value === 'string' ? standardString(value) : value)

/** What Python's `for item in value` gives. */
function itemsOf(value: PythonValue): readonly PythonValue[] {
  if (Array.isArray(value)) return value
  return typeof value === 'string' ? Array.from(value) : notComparable('a list', value)
}

export function compareStrings(parameter: string, value: string, answers: readonly PythonValue[]): Finding | null {
  if (answers.some((answer) => typeof answer === 'string' && standardString(answer) === standardString(value))) return null
  return finding(
    'value_error:string',
    `Parameter "${parameter}": expected one of ${shown([...answers])} (case, blanks and punctuation do not count), found ${shown(value)}.`,
  )
}

export function compareLists(parameter: string, value: readonly PythonValue[], answers: readonly PythonValue[]): Finding | null {
  const given = value.map(standard)
  if (answers.map((answer) => itemsOf(answer).map(standard)).some((answer) => equalPython(answer, given))) return null
  return finding('value_error:list/tuple', `Parameter "${parameter}": expected one of ${shown([...answers])}, found ${shown([...value])}.`)
}

export function compareDicts(parameter: string, value: PythonValue, answers: readonly PythonValue[]): Finding | null {
  let last = finding('dict_checker:unclear', `Parameter "${parameter}": no right answer is a dict, found ${shown(value)}.`)
  for (const answer of answers) {
    if (equalPython(answer, '')) continue
    if (!(answer instanceof Map)) return notComparable('a right answer that is a dict', answer)
    const found = compareDict(parameter, value instanceof Map ? value : notComparable('a dict', value), answer)
    if (found === null) return null
    last = found
  }
  return last
}

/** A key of the right answer that is missing counts before a wrong key or value: bfcl-eval reports the last fault it finds. */
function compareDict(parameter: string, value: PythonDict, answer: PythonDict): Finding | null {
  let fault: Finding | null = null
  for (const [key, given] of value) {
    const allowed = answer.get(key)
    if (allowed === undefined) fault = finding('value_error:dict_key', `Parameter "${parameter}": the key ${shown(key)} is not expected.`)
    else if (!includesPython(itemsOf(allowed).map(standard), standard(given)))
      fault = finding(
        'value_error:dict_value',
        `Parameter "${parameter}", key ${shown(key)}: expected one of ${shown(allowed)}, found ${shown(given)}.`,
      )
    if (fault !== null) break
  }
  for (const [key, allowed] of answer)
    if (!value.has(key) && !isOptional(allowed))
      return finding('value_error:dict_key', `Parameter "${parameter}": the key ${shown(key)} is missing.`)
  return fault
}

/** Python's `"" in values`: every string holds the empty one. */
export function isOptional(values: PythonValue): boolean {
  if (typeof values === 'string') return true
  if (values instanceof Map) return values.has('')
  return includesPython(itemsOf(values), '')
}

/** The order of the dicts counts. */
export function compareDictLists(parameter: string, value: readonly PythonValue[], answers: readonly PythonValue[]): Finding | null {
  let last = finding('list_dict_checker:unclear', `Parameter "${parameter}": there is no right answer to compare with.`)
  for (const answer of answers) {
    const expected = itemsOf(answer)
    if (value.length !== expected.length) {
      last = finding('value_error:list_dict_count', `Parameter "${parameter}": expected ${expected.length} dicts, found ${value.length}.`)
      continue
    }
    const fault = firstFault(value, (item, index) => compareDicts(parameter, item, [expected[index] ?? null]))
    if (fault === null) return null
    last = fault
  }
  return last
}

function firstFault(items: readonly PythonValue[], check: (item: PythonValue, index: number) => Finding | null): Finding | null {
  for (const [index, item] of items.entries()) {
    const fault = check(item, index)
    if (fault !== null) return fault
  }
  return null
}
