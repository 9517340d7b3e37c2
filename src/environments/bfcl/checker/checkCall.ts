/** One call against one right call: name, required parameters, then type and value of each parameter in the order given, then optional ones. */
import { includesPython } from '../../../base/pythonEquals'
import { PythonFloat, PythonTuple, type PythonValue } from '../../../base/pythonValue'
import type { Language } from '../categories'
import type { FunctionDoc, ParameterDoc, RightCall } from '../items'
import { compareDictLists, compareDicts, compareLists, compareStrings, comparing, isOptional } from './compareValues'
import { BenchmarkDataError, finding, shown, type Finding } from './finding'
import { readJavaLiteral } from './javaLiterals'
import { readJavascriptLiteral } from './javascriptLiterals'
import { expectedType, hasItems, typeName } from './pythonTypes'
import { checkType, type DeclaredType } from './typeCheck'

/** A call as an answer gives it. */
export interface Call {
  readonly name: string
  readonly arguments: ReadonlyMap<string, PythonValue>
}

export interface CheckOptions {
  readonly language: Language
  /** The name under which the model knew a function. */
  readonly nameOf: (name: string) => string
}

export function checkCall(doc: FunctionDoc, call: Call, right: RightCall, options: CheckOptions): Finding | null {
  const name = options.nameOf(doc.name)
  if (call.name !== name)
    return finding('simple_function_checker:wrong_func_name', `Expected a call of ${name}, found a call of ${call.name || 'no function'}.`)
  const absent = doc.parameters.required.find((parameter) => !call.arguments.has(parameter))
  if (absent !== undefined)
    return finding('simple_function_checker:missing_required', `The call of ${name} lacks the required parameter "${absent}".`)
  for (const [parameter, value] of call.arguments) {
    const declared = doc.parameters.properties.get(parameter)
    const answers = right.arguments.get(parameter)
    if (declared === undefined || answers === undefined)
      return finding('simple_function_checker:unexpected_param', `The call of ${name} has a parameter "${parameter}" that is not expected.`)
    const fault = checkParameter(parameter, value, { declared, answers, language: options.language })
    if (fault !== null) return fault
  }
  for (const [parameter, answers] of right.arguments)
    if (!call.arguments.has(parameter) && !isOptional([...answers]))
      return finding('simple_function_checker:missing_optional', `The call of ${name} lacks "${parameter}", which the right answer has.`)
  return null
}

interface Expected {
  readonly declared: ParameterDoc
  readonly answers: readonly PythonValue[]
  readonly language: Language
}

function checkParameter(parameter: string, given: PythonValue, { declared, answers, language }: Expected): Finding | null {
  const type = declaredType(language, declared)
  if (language !== 'python' && typeof given !== 'string')
    return finding(
      language === 'java' ? 'type_error:java' : 'type_error:js',
      `Parameter "${parameter}": expected the text of a ${language === 'java' ? 'Java' : 'JavaScript'} value, found ${typeName(given)} ${shown(given)}.`,
    )
  const value = valueOf(given, declared, language)
  const types = checkType(parameter, value, answers, type)
  if (types.wrong !== null) return types.wrong
  return comparing(parameter, () => {
    // A variable is compared as the string that it is written as.
    if (!types.isVariable) {
      if (type.type === 'dict') return compareDicts(parameter, value, answers)
      if (type.type === 'list' && Array.isArray(value))
        return type.items === 'dict' ? compareDictLists(parameter, value, answers) : compareLists(parameter, value, answers)
      if (type.type === 'str' && typeof value === 'string') return compareStrings(parameter, value, answers)
    }
    if (includesPython(answers, value)) return null
    return finding('value_error:others', `Parameter "${parameter}": expected one of ${shown([...answers])}, found ${shown(value)}.`)
  })
}

function declaredType(language: Language, { type, items }: ParameterDoc): DeclaredType {
  if (!hasItems(language, type)) return { word: type, type: expectedType(language, type), items: null }
  if (items?.type === undefined) throw new BenchmarkDataError(`Expected "items" with a type for the type ${type}, found none.`)
  return { word: type, type: expectedType(language, type), items: expectedType(language, items.type) }
}

/** Java and JavaScript values come as text; Python reads an integer as a float and a tuple as a list where those are declared. */
function valueOf(given: PythonValue, { type, items }: ParameterDoc, language: Language): PythonValue {
  if (language === 'java' && typeof given === 'string') return readJavaLiteral(given, type, items?.type ?? null)
  if (language === 'javascript' && typeof given === 'string') return readJavascriptLiteral(given, type, items?.type ?? null)
  if (type === 'tuple' && given instanceof PythonTuple) return [...given.items]
  if (type === 'float' && typeName(given) === 'int') return new PythonFloat(Number(given))
  return given
}
