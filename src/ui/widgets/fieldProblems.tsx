/** What is wrong in the fields of a form, so that its button can name it instead of starting with another value. */
import { createContext, useCallback, useContext, useMemo, useState, type ReactNode } from 'react'

export interface FieldProblem {
  readonly name: string
  readonly problem: string
}
type Report = (id: string, problem: FieldProblem | null) => void

const ReportContext = createContext<Report>(() => undefined)
const ProblemsContext = createContext<readonly FieldProblem[]>([])

export function FieldProblems({ children }: { readonly children: ReactNode }) {
  const [byId, setById] = useState<ReadonlyMap<string, FieldProblem>>(new Map())
  const report = useCallback<Report>((id, problem) => {
    setById((now) => {
      if (problem === null && !now.has(id)) return now
      const next = new Map(now)
      if (problem === null) next.delete(id)
      else next.set(id, problem)
      return next
    })
  }, [])
  const problems = useMemo(() => [...byId.values()], [byId])
  return (
    <ReportContext value={report}>
      <ProblemsContext value={problems}>{children}</ProblemsContext>
    </ReportContext>
  )
}

export const useReportProblem = (): Report => useContext(ReportContext)
/** Problems of the fields inside the nearest `FieldProblems`. */
export const useFieldProblems = (): readonly FieldProblem[] => useContext(ProblemsContext)
