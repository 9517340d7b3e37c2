import { Select } from '@mantine/core'
import { useDescription } from '../stores/studio'
import { NumberField } from '../widgets/NumberField'
import { SchemaForm } from '../widgets/SchemaForm'
import type { EvaluationForm } from './useEvaluationForm'

const CALLS = { minimum: 1, maximum: 200, isWhole: true }
const MODEL_CALLS = { minimum: 1, maximum: 10_000, isWhole: true }

/** How the model spends its calls, and how many it has. */
export function StrategyFields({ form: { request, benchmark, choose, chooseStrategy } }: { readonly form: EvaluationForm }) {
  const { strategies } = useDescription()
  const strategy = strategies.find(({ name }) => name === request.strategy)
  return (
    <>
      <Select
        label="Strategy"
        value={request.strategy}
        allowDeselect={false}
        data={strategies.map(({ name, title }) => ({ value: name, label: title }))}
        description={strategy?.help}
        onChange={(name) => {
          if (name !== null) chooseStrategy(name)
        }}
      />
      {strategy?.settingsSchema && (
        <SchemaForm
          schema={strategy.settingsSchema}
          value={request.strategySettings ?? {}}
          onChange={(settings) => {
            choose('strategySettings', Object.keys(settings).length === 0 ? undefined : settings)
          }}
        />
      )}
      <NumberField
        name="Call budget"
        description="tool calls of an attempt"
        rule={CALLS}
        value={request.maxCalls}
        placeholder={benchmark?.callBudget === null || benchmark === undefined ? 'as the benchmark says' : String(benchmark.callBudget)}
        onChange={(calls) => {
          choose('maxCalls', calls ?? undefined)
        }}
      />
      <NumberField
        name="Model calls"
        description="turns of the model in an attempt; strategies are compared where both budgets are equal"
        rule={MODEL_CALLS}
        value={request.maxModelCalls}
        placeholder={String(strategy?.modelCalls ?? 'no limit')}
        onChange={(calls) => {
          choose('maxModelCalls', calls ?? undefined)
        }}
      />
    </>
  )
}
