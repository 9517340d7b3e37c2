/** A new training run: method → model → data → reward, six settings that matter, and whether it fits. */
import { Stack } from '@mantine/core'
import { visibleText } from '../../format'
import { EstimatePanel } from '../../train/EstimatePanel'
import { PreflightPanel } from '../../train/PreflightPanel'
import classes from '../../train/train.module.css'
import { FieldProblems } from '../../widgets/fieldProblems'
import { NoGpu } from '../../widgets/NoGpu'
import { EmptyState, PageHead } from '../../widgets/Panel'
import { DataPanel } from './DataPanel'
import { MethodPanel } from './MethodPanel'
import { ModelPanel } from './ModelPanel'
import { RewardPanel } from './RewardPanel'
import { SameElsewhere } from './SameElsewhere'
import { SettingsPanel } from './SettingsPanel'
import { StartPanel } from './StartPanel'
import { useNewRun } from './useNewRun'

export default function NewRunPage() {
  const form = useNewRun()
  const { algorithms, source, request } = form
  if (algorithms.length === 0) {
    return (
      <Stack gap={12}>
        <PageHead title="New run" />
        <NoGpu />
        <EmptyState title="No methods to choose from.">The engine did not start, so it could not say what it can train.</EmptyState>
      </Stack>
    )
  }
  return (
    <Stack gap={12}>
      <PageHead
        title="New run"
        about={
          source
            ? `Same practice as ${visibleText(source.title)}, another method.`
            : 'Choose a method, a model, what it learns from, and where the reward comes from.'
        }
      />
      <NoGpu />
      <FieldProblems>
        <div className={classes.two}>
          <Stack gap={12} miw={0}>
            <MethodPanel form={form} />
            <ModelPanel form={form} />
            <DataPanel form={form} />
            <RewardPanel form={form} />
            <SettingsPanel form={form} />
          </Stack>
          <div className={classes.side}>
            <EstimatePanel request={request} />
            <PreflightPanel request={request} />
            <StartPanel form={form} />
            <SameElsewhere form={form} />
          </div>
        </div>
      </FieldProblems>
    </Stack>
  )
}
