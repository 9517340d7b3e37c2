import { Button, Menu } from '@mantine/core'
import { Link } from 'wouter'
import type { DatasetRow } from '../../worker/protocol'
import { formatBytes, formatCount, formatWhen, nameText } from '../format'
import { hrefs } from '../navigation/hrefs'
import type { ExportRequest } from '../queries/datasets'
import { VisibleText } from '../trajectory/VisibleText'
import { ImportProgress } from '../widgets/ImportProgress'
import { ConfirmButton } from './ConfirmButton'
import { ExportItems } from './ExportItems'
import classes from './dataset.module.css'
import type { PendingImport } from './useImports'

interface CardProps {
  readonly dataset: DatasetRow
  readonly title: string
  readonly open: boolean
  readonly onOpen: () => void
  readonly onExport: (format: ExportRequest['format']) => void
  readonly onRemove: () => void
}

export function DatasetCard({ dataset, title, open, onOpen, onExport, onRemove }: CardProps) {
  const problems = dataset.problems.length
  return (
    <article
      className={classes.card}
      data-testid="dataset-card"
      data-dataset={dataset.dataset_id}
      data-open={open}
      data-bad={dataset.rows === 0}
      aria-label={nameText(dataset.name)}
    >
      <button type="button" className={classes.cardMain} onClick={onOpen} aria-expanded={open}>
        <span className={classes.name}>
          <VisibleText text={dataset.name} most={200} />
        </span>
        <span className={classes.meta}>
          {nameText(title)} · {formatBytes(dataset.bytes)} · {formatWhen(dataset.created_at)}
        </span>
        <dl className={classes.facts}>
          <dt>Rows</dt>
          <dd>{formatCount(dataset.rows)}</dd>
          <dt>Trajectories</dt>
          <dd>{formatCount(dataset.trajectories)}</dd>
          <dt>Steps</dt>
          <dd>{formatCount(dataset.steps)}</dd>
          <dt>Problems</dt>
          <dd className={problems > 0 ? classes.bad : undefined}>{formatCount(problems)}</dd>
        </dl>
      </button>
      <div className={classes.cardFoot}>
        <Button component={Link} href={hrefs.label(undefined, { dataset: dataset.dataset_id })}>
          Label
        </Button>
        <Button component={Link} href={hrefs.newRun({ data: dataset.dataset_id })}>
          Train
        </Button>
        <Menu position="bottom-start">
          <Menu.Target>
            <Button aria-label={`More for ${nameText(dataset.name)}`}>…</Button>
          </Menu.Target>
          <Menu.Dropdown>
            <Menu.Item component={Link} href={hrefs.trajectories({ dataset: dataset.dataset_id })}>
              Read trajectories
            </Menu.Item>
            <ExportItems onExport={onExport} />
          </Menu.Dropdown>
        </Menu>
        <ConfirmButton
          size="xs"
          label="Remove"
          confirmLabel="Remove with its labels?"
          ariaLabel={`Remove ${nameText(dataset.name)}`}
          testId="dataset-remove"
          onConfirm={onRemove}
        />
      </div>
    </article>
  )
}

interface PendingCardProps {
  readonly pending: PendingImport
  readonly onDismiss: () => void
  readonly onCancel: () => void
}

/** A file being read, or one that could not be. What was stored before is untouched either way. */
export function PendingCard({ pending, onDismiss, onCancel }: PendingCardProps) {
  return (
    <article
      className={classes.card}
      data-testid="import-card"
      data-bad={pending.error !== null}
      aria-label={nameText(pending.name)}
      aria-busy={pending.error === null}
    >
      <div className={classes.cardMain} style={{ cursor: 'default' }}>
        <span className={classes.name}>
          <VisibleText text={pending.name} most={200} />
        </span>
        <span className={classes.meta}>{formatBytes(pending.bytes)}</span>
        {pending.error === null ? (
          <ImportProgress importId={pending.id} stored="trajectories" />
        ) : (
          <div role="alert" data-testid="import-error">
            <span className={classes.bad}>Not imported. </span>
            <VisibleText text={pending.error} />
          </div>
        )}
      </div>
      <div className={classes.cardFoot}>
        {pending.error === null ? <Button onClick={onCancel}>Stop</Button> : <Button onClick={onDismiss}>Dismiss</Button>}
      </div>
    </article>
  )
}
