import { counted } from '../format'
import { Tooltip } from '@mantine/core'
import { Link } from 'wouter'
import { hrefs } from '../navigation/hrefs'
import { useLedger } from '../stores/network'
import { Icon } from '../widgets/Icon'
import classes from './frame.module.css'

/** How many requests left this tab for another host since it opened; opens the ledger. */
export function NetworkMark() {
  const left = useLedger((state) => state.left)
  const rows = useLedger((state) => state.rows.length)
  const text = `${counted(left, 'request')} ${left === 1 ? 'has' : 'have'} left this tab for another host; ${counted(rows - Math.min(rows, left), 'file')} came from this site. Open the ledger.`
  return (
    <Tooltip label={text}>
      <Link href={hrefs.settings({ tab: 'network' })} className={classes.chip ?? ''} style={{ textDecoration: 'none' }} aria-label={text}>
        <Icon name="network" size={14} />
        <span data-testid="network-count" style={{ fontVariantNumeric: 'tabular-nums' }}>
          {left}
        </span>
      </Link>
    </Tooltip>
  )
}
