import { SegmentedControl } from '@mantine/core'
import { useMemo, useState } from 'react'
import type { Trajectory } from '../../records/trajectory'
import type { AdvantagePreview } from '../../worker/protocol'
import { formatCount, formatNumber } from '../format'
import { signed } from '../labelling/whatIf'
import { heatColour, heatKinds, heatTokens, type HeatKind } from './heatTokens'
import classes from './trajectory.module.css'
import { VisibleText } from './VisibleText'

const PAGE = 1500

/** Every token the model sees, coloured by one number; the number itself on hover. */
export function TokenHeat({ preview, trajectory }: { readonly preview: AdvantagePreview; readonly trajectory: Trajectory }) {
  const [kind, setKind] = useState<HeatKind>('advantages')
  const [shown, setShown] = useState(PAGE)
  const { tokens, scale } = useMemo(() => heatTokens(preview, trajectory, kind), [preview, trajectory, kind])
  const isSigned = heatKinds.find((one) => one.value === kind)?.signed ?? false
  const has = tokens.some((token) => token.value !== null)
  return (
    <div>
      <div className={classes.legend} style={{ marginBottom: 8 }}>
        <SegmentedControl
          size="xs"
          aria-label="Number shown on each token"
          value={kind}
          onChange={(value) => {
            setKind(value)
          }}
          data={heatKinds.map(({ value, label }) => ({ value, label }))}
        />
        {kind !== 'mask' && has && (
          <>
            <span className={classes.mono}>{isSigned ? signed(-scale) : '0'}</span>
            <span
              className={classes.ramp}
              style={{
                background: isSigned
                  ? `linear-gradient(to right, ${heatColour(-1, 1, true) ?? ''}, transparent, ${heatColour(1, 1, true) ?? ''})`
                  : `linear-gradient(to right, transparent, ${heatColour(-1, 1, false) ?? ''})`,
              }}
            />
            <span className={classes.mono}>{isSigned ? signed(scale) : formatNumber(-scale)}</span>
          </>
        )}
        <span>{formatCount(tokens.length)} tokens</span>
      </div>
      {!has && <p className={classes.quiet}>These tokens carry no such number: the trajectory was imported, not sampled here.</p>}
      <pre className={classes.tokens} tabIndex={0} aria-label="Tokens">
        {tokens.slice(0, shown).map((token) => (
          <span
            key={token.at}
            className={classes.token}
            style={{ background: heatColour(token.value, scale, isSigned) }}
            title={`token ${token.at}${token.step >= 0 ? ` · step ${token.step + 1}` : ''}${token.value === null ? '' : ` · ${kind} ${isSigned ? signed(token.value, 4) : formatNumber(token.value)}`}`}
          >
            <VisibleText text={token.text} />
          </span>
        ))}
      </pre>
      {tokens.length > shown && (
        <button
          type="button"
          className={classes.linkButton}
          onClick={() => {
            setShown(tokens.length)
          }}
        >
          Show all {formatCount(tokens.length)} tokens
        </button>
      )}
    </div>
  )
}
