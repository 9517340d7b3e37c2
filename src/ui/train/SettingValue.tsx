import { Anchor } from '@mantine/core'
import { Link } from 'wouter'
import { nameText, visibleText } from '../format'
import { useAdapters } from '../queries/models'
import { useRunNames, useRuns } from '../queries/runs'
import { CopyText } from '../widgets/CopyText'
import { settingValue, type KnownNames } from './shownSettings'
import classes from './train.module.css'

const NONE: never[] = []

export function useKnownNames(): KnownNames {
  const runNames = useRunNames()
  return { runs: useRuns().data ?? NONE, runNames, adapters: useAdapters().data ?? NONE }
}

/** A setting's value: a link to the record it names, a hash with a button that copies the whole of it, or its text. */
export function SettingValue({ name, value, known }: { readonly name: string; readonly value: unknown; readonly known: KnownNames }) {
  const shown = settingValue(name, value, known)
  switch (shown.kind) {
    case 'record':
      return (
        <Anchor component={Link} href={shown.href} title={shown.id} inherit>
          {nameText(shown.text)}
        </Anchor>
      )
    case 'hash':
      return (
        <span className={classes.hashValue}>
          <span title={shown.whole}>{shown.text}</span>
          <CopyText text={shown.whole} label="Copy" about={name} />
        </span>
      )
    case 'text':
      return visibleText(shown.text)
    default:
      return shown satisfies never
  }
}
