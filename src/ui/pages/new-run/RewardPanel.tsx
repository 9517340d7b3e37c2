import { Anchor, Text } from '@mantine/core'
import { Link } from 'wouter'
import { hrefs, placeOfSource } from '../../navigation/hrefs'
import { Panel } from '../../widgets/Panel'
import type { NewRunForm } from './useNewRun'

/** Where the reward comes from. */
export function RewardPanel({ form: { chosen } }: { readonly form: NewRunForm }) {
  return (
    <Panel title="4 · Reward">
      <Text>
        {chosen.length === 0
          ? 'The tool world scores each step itself: did the call succeed, and was its result needed for the answer.'
          : 'Each step’s label is its reward: a person’s newest opinion, else what the file says, else a judge’s, else a rule’s. Unlabelled steps carry none.'}
      </Text>
      {chosen[0] !== undefined && (
        <Anchor component={Link} href={hrefs.label(undefined, placeOfSource(chosen[0]))} size="xs">
          Look at the labels
        </Anchor>
      )}
    </Panel>
  )
}
