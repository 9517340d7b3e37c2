import { Button, Text } from '@mantine/core'
import type { DownloadPlan } from '../../worker/protocol'
import { counted, formatBytes, formatCount, visibleText } from '../format'
import { VisibleText } from '../trajectory/VisibleText'
import classes from './models.module.css'

interface DownloadPlanProps {
  readonly plan: DownloadPlan
  /** Another download is running. */
  readonly isBusy: boolean
  readonly onFetch: () => void
}

/** What the server has, and the button that fetches it. */
export function DownloadPlanView({ plan, isBusy, onFetch }: DownloadPlanProps) {
  const missing = plan.bytes - plan.keptBytes
  const isTooLarge = plan.freeBytes !== null && missing > plan.freeBytes
  const facts: readonly (readonly [string, string])[] = [
    ['From', plan.host],
    ['Revision', plan.revision ?? 'none: this server has no revisions'],
    ['Model', `${plan.architecture}, ${counted(plan.parameters, 'parameter')}`],
    ['Files', formatCount(plan.files)],
    ['Size', formatBytes(plan.bytes)],
    ...(plan.keptBytes > 0 ? [['Here already', formatBytes(plan.keptBytes)] as const] : []),
    ...(plan.freeBytes === null ? [] : [['Room left', `${formatBytes(plan.freeBytes)}, as the browser estimates`] as const]),
  ]
  return (
    <div style={{ marginTop: 12 }}>
      <dl className={classes.plan} data-testid="remote-plan">
        {facts.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>
              <VisibleText text={value} />
            </dd>
          </div>
        ))}
      </dl>
      {isTooLarge && <Text mt={8}>The browser has too little room for it: delete models or runs first.</Text>}
      {plan.model_id !== null ? (
        <Text mt={8} role="status">
          This revision is here already.
        </Text>
      ) : (
        <Button mt={8} onClick={onFetch} disabled={isBusy || isTooLarge} data-testid="remote-fetch">
          Download {formatBytes(missing)} from {visibleText(plan.host)}
        </Button>
      )}
    </div>
  )
}
