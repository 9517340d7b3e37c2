/** The list of runs: two or more of them can be compared, and a new one started. */
import { Button, Stack } from '@mantine/core'
import { Link } from 'wouter'
import { z } from 'zod'
import { hrefs } from '../../navigation/hrefs'
import { navigate, useUrlState } from '../../navigation/location'
import { RunRows } from '../../train/RunRows'
import { NoGpu } from '../../widgets/NoGpu'
import { PageHead, Panel, PrimaryButton } from '../../widgets/Panel'

const listUrl = z.object({ chosen: z.string().default('') })

export default function TrainPage() {
  const [url, setUrl] = useUrlState(listUrl)
  const chosen = url.chosen === '' ? [] : url.chosen.split(',')
  return (
    <Stack gap={12}>
      <PageHead
        title="Train"
        about="Every run with its recipe, curves and exams."
        actions={
          <>
            <Button component={Link} href={hrefs.compareRuns(chosen)} disabled={chosen.length < 2} aria-disabled={chosen.length < 2}>
              {chosen.length < 2 ? 'Compare' : `Compare ${chosen.length}`}
            </Button>
            <PrimaryButton
              onClick={() => {
                navigate(hrefs.newRun())
              }}
            >
              New run
            </PrimaryButton>
          </>
        }
      />
      <NoGpu />
      <Panel title="Runs" flush>
        <RunRows
          selected={chosen}
          onSelect={(runIds) => {
            setUrl({ chosen: runIds.join(',') })
          }}
        />
      </Panel>
    </Stack>
  )
}
