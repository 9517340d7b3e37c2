import { Button, Menu } from '@mantine/core'
import { Link } from 'wouter'
import { ExportItems } from '../../dataset/ExportItems'
import { useSaveSource } from '../../dataset/useSaveSource'
import type { ExportRequest } from '../../queries/datasets'
import { SourceSelect } from '../../trajectory/SourceSelect'
import type { Source } from '../../trajectory/useSources'
import { PageHead } from '../../widgets/Panel'
import { ErrorPanel } from '../../widgets/ProblemList'
import type { LabelledSource } from './useLabelledSource'

interface LabelHeadProps {
  readonly sources: readonly Source[]
  readonly chosen: Source | null
  readonly labelled: LabelledSource
  readonly onSource: (patch: { dataset: string; run: string }) => void
  readonly onAskJudge: () => void
}

const NOTHING_TO_TRAIN_ON = 'This list holds nothing to train on: its attempts answer questions that evaluations ask, or there are none.'

/** The list that is labelled, and what its labels are for: a judge, a file, a run. */
export function LabelHead({ sources, chosen, labelled, onSource, onAskJudge }: LabelHeadProps) {
  const saving = useSaveSource()
  const { id, name, trainHref } = labelled
  const save = (format: ExportRequest['format']): void => {
    if (id !== null) saving.save({ id, name }, format)
  }
  return (
    <>
      <PageHead
        title="Label"
        about="A reward for every step. What you decide wins; rules and judges stand beside it."
        actions={
          <>
            <SourceSelect sources={sources} chosen={chosen} onChange={onSource} />
            <Button onClick={onAskJudge} aria-keyshortcuts="g">
              Ask a judge
            </Button>
            <Menu position="bottom-end">
              <Menu.Target>
                <Button disabled={id === null} data-testid="export-labels">
                  Export
                </Button>
              </Menu.Target>
              <Menu.Dropdown>
                <ExportItems onExport={save} />
              </Menu.Dropdown>
            </Menu>
            {trainHref === null ? (
              <Button disabled title={NOTHING_TO_TRAIN_ON} data-testid="train-on-this">
                Train on this
              </Button>
            ) : (
              <Button component={Link} href={trainHref} aria-keyshortcuts="Shift+T" data-testid="train-on-this">
                Train on this
              </Button>
            )}
          </>
        }
      />
      {saving.error !== null && <ErrorPanel title="No file was saved.">{saving.error}</ErrorPanel>}
      {saving.remark !== null && (
        <p role="status" data-testid="export-remark">
          {saving.remark}
        </p>
      )}
    </>
  )
}
