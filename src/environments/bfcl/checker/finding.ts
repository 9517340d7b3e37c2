/** What the checker finds wrong with an answer. The kinds bear the names that bfcl-eval 2026.3.23 gives them, so that results can be compared row by row. */
import { reprPython } from '../../../base/pythonRepr'
import type { PythonValue } from '../../../base/pythonValue'

export type ErrorKind =
  | 'ast_decoder:decoder_failed'
  | 'ast_decoder:decoder_wrong_output_format'
  | 'irrelevance_error:decoder_success'
  | 'relevance_error:decoder_failed'
  | 'simple_function_checker:wrong_count'
  | 'simple_function_checker:wrong_func_name'
  | 'simple_function_checker:missing_required'
  | 'simple_function_checker:unexpected_param'
  | 'simple_function_checker:missing_optional'
  | 'multiple_function_checker:wrong_count'
  | 'parallel_function_checker_no_order:wrong_count'
  | 'parallel_function_checker_no_order:cannot_find_match'
  | 'type_error:simple'
  | 'type_error:nested'
  | 'type_error:java'
  | 'type_error:js'
  | 'value_error:string'
  | 'value_error:list/tuple'
  | 'value_error:dict_key'
  | 'value_error:dict_value'
  | 'value_error:list_dict_count'
  | 'value_error:others'
  | 'dict_checker:unclear'
  | 'list_dict_checker:unclear'
  /** The answer has a shape on which bfcl-eval's checker itself stops with an exception, so that it has no verdict to agree with. */
  | 'checker_error:not_comparable'

/** A fault of an answer; null where a check finds none. */
export interface Finding {
  readonly kind: ErrorKind
  readonly message: string
}

export const finding = (kind: ErrorKind, message: string): Finding => ({ kind, message })

/** The benchmark's data ask for something that the checker does not know. It is thrown, because no answer is to blame. */
export class BenchmarkDataError extends Error {
  override readonly name = 'BenchmarkDataError'
}

/** Values as a sentence shows them: Python's spelling, cut short. */
export function shown(value: PythonValue): string {
  const text = reprPython(value)
  return text.length > 160 ? `${text.slice(0, 160)}…` : text
}
