import { SimpleGrid } from '@mantine/core'
import { DEFAULT_JUDGE_TOKENS } from '../../annotation/judge'
import { ServerFields } from '../servers/ServerFields'
import { NumberField } from '../widgets/NumberField'
import type { Judge } from './useJudge'

const REPEATS = { isWhole: true, minimum: 1, maximum: 20 }
const TEMPERATURE = { minimum: 0, maximum: 2 }

/** Where the judge runs, and how it is asked. */
export function JudgeServer({ judge }: { readonly judge: Judge }) {
  return (
    <ServerFields server={judge.server} test={judge.test} tokens={DEFAULT_JUDGE_TOKENS}>
      <SimpleGrid cols={2} spacing={8}>
        <NumberField
          name="judge-repeats"
          label="Repeats"
          description="of each question"
          value={judge.manner.repeats}
          fallback={1}
          rule={REPEATS}
          onChange={(repeats = 1) => {
            judge.changeManner({ repeats })
          }}
        />
        <NumberField
          name="judge-temperature"
          label="Temperature"
          description="of the judge"
          value={judge.manner.temperature}
          fallback={0}
          rule={TEMPERATURE}
          onChange={(temperature = 0) => {
            judge.changeManner({ temperature })
          }}
        />
      </SimpleGrid>
    </ServerFields>
  )
}
