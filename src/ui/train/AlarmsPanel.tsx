/** What the metrics of a run warn of, since which step, and what to do about it. */
import { counted } from '../format'
import { Text } from '@mantine/core'
import type { Alarm } from '../../records/alarms'
import { Panel } from '../widgets/Panel'
import classes from './train.module.css'

export function AlarmsPanel({ alarms }: { readonly alarms: readonly Alarm[] }) {
  if (alarms.length === 0) return null
  return (
    <Panel title={counted(alarms.length, 'alarm')} testId="alarms">
      <div role="log" aria-label="Alarms">
        <ul className={classes.alarms}>
          {alarms.map((alarm) => (
            <li key={`${alarm.kind} ${alarm.metric} ${alarm.step}`} data-kind={alarm.kind}>
              <Text>
                <strong>▲ Step {alarm.step + 1}.</strong> {alarm.message}
              </Text>
              <Text size="xs" c="dimmed">
                {alarm.advice} <code>{alarm.metric}</code>
              </Text>
            </li>
          ))}
        </ul>
      </div>
    </Panel>
  )
}
