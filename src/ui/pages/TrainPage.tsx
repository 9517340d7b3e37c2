import { Button, Stack } from '@mantine/core'
import { Link, Route, Switch, useParams } from 'wouter'
import { z } from 'zod'
import { hrefs } from '../stores/hrefs'
import { navigate, useUrlState } from '../stores/location'
import { CompareRuns } from '../train/CompareRuns'
import { NewRun } from '../train/NewRun'
import { RunRows } from '../train/RunRows'
import { RunView } from '../train/RunView'
import { NoGpu } from '../widgets/NoGpu'
import { PageHead, Panel, PrimaryButton } from '../widgets/Panel'

const listUrl = z.object({ chosen: z.string().default('') })

function RunList() {
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

function OneRun() {
  const { runId } = useParams<{ runId: string }>()
  return <RunView key={runId} runId={runId} />
}

/** The list of runs, a new run, one run, runs compared. */
export default function TrainPage() {
  return (
    <Switch>
      <Route path="/train/new">
        <NewRun />
      </Route>
      <Route path="/train/compare">
        <CompareRuns />
      </Route>
      <Route path="/train/run/:runId">
        <OneRun />
      </Route>
      <Route>
        <RunList />
      </Route>
    </Switch>
  )
}
