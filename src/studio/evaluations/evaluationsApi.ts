/** `studio.evaluations`: what models scored on benchmarks. */
import type { Store } from '../../storage/store'
import type { EvaluationsApi } from '../../worker/studioApi'

export const createEvaluationsApi = ({ evaluations }: Pick<Store, 'evaluations'>): EvaluationsApi => ({
  list: async () => (await evaluations.list()).records,
})
