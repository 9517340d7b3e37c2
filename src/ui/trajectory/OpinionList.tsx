import { opinionHistory } from '../../annotation/opinions'
import { sourceOf } from '../../annotation/resolver'
import type { Opinion } from '../../records/annotation'
import { formatNumber, formatWhen } from '../format'
import classes from './trajectory.module.css'
import { VisibleText } from './VisibleText'

const SOURCE_WORDS = { human: 'person', judge: 'judge', rules: 'rule', imported: 'file', world: 'world' } as const

/** Every opinion as it was given, old ones struck through: nothing is overwritten. */
export function OpinionList({ opinions, step }: { readonly opinions: readonly Opinion[]; readonly step: number }) {
  return (
    <ul className={classes.tree}>
      {opinionHistory(opinions, step).map(({ row, isCurrent, isUndo }) => {
        const source = sourceOf(row)
        return (
          <li key={row.opinion_id} style={isCurrent ? undefined : { textDecoration: 'line-through' }}>
            <span className={classes.quiet}>{SOURCE_WORDS[source]} </span>
            {source !== 'world' && <VisibleText text={row.annotator_id.replace(/^(imported|rules):/, '')} />}{' '}
            <span className={classes.quiet}>{row.name}</span> {row.value === null ? 'withdrawn' : formatNumber(row.value)}
            {row.repeat > 0 && <span className={classes.quiet}> repeat {row.repeat + 1}</span>}
            {isUndo && <span className={classes.quiet}> undone</span>} <span className={classes.quiet}>{formatWhen(row.created_at)}</span>
            {row.rationale !== '' && !isUndo && (
              <>
                {' '}
                — <VisibleText text={row.rationale} />
              </>
            )}
          </li>
        )
      })}
    </ul>
  )
}
