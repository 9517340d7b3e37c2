/** Does a value have the declared type, or the type of a right answer? Right answers may name a variable, which is a string whatever is declared. */
import { equalPython } from '../../../base/pythonEquals'
import type { PythonValue } from '../../../base/pythonValue'
import { finding, shown, type Finding } from './finding'
import { typeName, type TypeName } from './pythonTypes'

export interface DeclaredType {
  /** As the benchmark's data spell it. */
  readonly word: string
  readonly type: TypeName
  /** The type of a list's items; null where items have none. */
  readonly items: TypeName | null
}

/** A wrong type, or whether the value stands for a variable. */
export type TypeCheck = { readonly wrong: Finding } | { readonly wrong: null; readonly isVariable: boolean }

/** The type of the first right answer that is more than the mark `""` of an optional parameter. */
function answerType(answers: readonly PythonValue[]): TypeName | null {
  const first = answers.find((answer) => !equalPython(answer, ''))
  return first === undefined ? null : typeName(first)
}

export function checkType(parameter: string, value: PythonValue, answers: readonly PythonValue[], declared: DeclaredType): TypeCheck {
  const given = typeName(value)
  const answered = answerType(answers)
  const wrong = (message: string): TypeCheck => ({ wrong: finding('type_error:simple', message) })
  if (given === declared.type) {
    const isVariable = answered !== null && answered !== declared.type
    if (declared.items === null || hasItemTypes(parameter, value, answers, declared.items)) return { wrong: null, isVariable }
    const message = `Parameter "${parameter}": expected type ${declared.word} with items of type ${declared.items}, found ${shown(value)}.`
    // bfcl-eval names this fault after the items only where the right answer has the same outer type.
    return answered === given ? { wrong: finding('type_error:nested', message) } : wrong(message)
  }
  if (answered === given) return { wrong: null, isVariable: true }
  return wrong(`Parameter "${parameter}": expected type ${declared.word}, found ${given} ${shown(value)}.`)
}

/** Whether one of the right answers admits the types of all items. */
function hasItemTypes(parameter: string, value: PythonValue, answers: readonly PythonValue[], items: TypeName): boolean {
  const declared: DeclaredType = { word: items, type: items, items: null }
  return answers.some(
    (answer) =>
      !Array.isArray(answer) || !Array.isArray(value) || value.every((item) => checkType(parameter, item, answer, declared).wrong === null),
  )
}
