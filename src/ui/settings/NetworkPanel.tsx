import { Switch, Text } from '@mantine/core'
import { useVirtualizer } from '@tanstack/react-virtual'
import { useRef, useState } from 'react'
import { counted } from '../format'
import { useLedger } from '../stores/network'
import { VisibleText } from '../trajectory/VisibleText'
import { Panel } from '../widgets/Panel'
import classes from './settings.module.css'

const ROW_HEIGHT = 28

/** Every request since the tab opened: what the page loaded, and anything that left for another host. */
export function NetworkPanel() {
  const all = useLedger((state) => state.rows)
  const left = useLedger((state) => state.left)
  const [onlyLeft, setOnlyLeft] = useState(false)
  const rows = (onlyLeft ? all.filter((row) => row.left) : all).toReversed()
  const scroller = useRef<HTMLDivElement>(null)
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_HEIGHT,
    overscan: 10,
  })
  return (
    <Panel
      title="Network ledger"
      flush
      testId="network-ledger"
      aside={
        <Switch
          label="Only what left"
          checked={onlyLeft}
          onChange={(event) => {
            setOnlyLeft(event.currentTarget.checked)
          }}
        />
      }
    >
      <Text p={12}>
        {left === 0
          ? 'Nothing has left this tab: every request went to the server this page came from.'
          : `${counted(left, 'request')} left for another host.`}{' '}
        {counted(all.length, 'request')} in all; the page’s own loads are taken from the browser, not from Hone.
      </Text>
      <div
        ref={scroller}
        className={classes.scroll}
        style={{ height: `min(60dvh, ${Math.max(1, rows.length) * ROW_HEIGHT + 2}px)`, borderTop: '1px solid var(--hone-line)' }}
        role="region"
        aria-label="Requests, newest first"
        tabIndex={0}
      >
        <div style={{ height: virtual.getTotalSize(), position: 'relative' }}>
          {virtual.getVirtualItems().map((item) => {
            const row = rows[item.index]
            if (!row) return null
            return (
              <div
                key={item.key}
                className={classes.ledgerRow}
                data-testid="ledger-row"
                data-left={row.left}
                style={{ position: 'absolute', top: 0, left: 0, right: 0, height: ROW_HEIGHT, transform: `translateY(${item.start}px)` }}
              >
                <span>{row.at.slice(11, 19)}</span>
                <span>{row.method}</span>
                <span>{row.status ?? '–'}</span>
                <span className={row.left ? classes.left : undefined} title={row.url}>
                  {row.left ? '↗ ' : ''}
                  <VisibleText text={row.url} />
                </span>
              </div>
            )
          })}
        </div>
      </div>
    </Panel>
  )
}
