/** Trajectories of a data set or a run: a list with filters, a reader, and several side by side. */
import { Button } from '@mantine/core'
import { useRef } from 'react'
import { Link } from 'wouter'
import { hrefs } from '../../navigation/hrefs'
import { useUrlState } from '../../navigation/location'
import { usePageKeys } from '../../navigation/pageKeys'
import { CompareTrajectories } from '../../trajectory/CompareTrajectories'
import lists from '../../trajectory/lists.module.css'
import { SourceSelect } from '../../trajectory/SourceSelect'
import { useSources } from '../../trajectory/useSources'
import { EmptyState, Loading, PageHead, Panel } from '../../widgets/Panel'
import { ListPanel } from './ListPanel'
import { ReaderPanel } from './ReaderPanel'
import { readingKeys } from './readingKeys'
import { trajectoriesUrl } from './trajectoriesUrl'
import { useReading } from './useReading'

export default function TrajectoriesPage() {
  const [url, setUrl] = useUrlState(trajectoriesUrl)
  const search = useRef<HTMLInputElement>(null)
  const { sources, chosen, isLoading } = useSources(url)
  const reading = useReading(chosen, url, setUrl)
  const { compared, labels, place } = reading
  usePageKeys([
    ...readingKeys(reading),
    {
      keys: '/',
      does: 'search',
      run: () => {
        search.current?.focus()
      },
    },
  ])
  const head = (
    <PageHead
      title="Trajectories"
      about="Every step taken: the call, what came back, what it earned."
      actions={
        <SourceSelect
          sources={sources}
          chosen={chosen}
          onChange={(patch) => {
            setUrl({ ...patch, id: '', step: 0, compare: '', tool: '' }, { push: true })
          }}
        />
      }
    />
  )
  if (!chosen && url.id === '') {
    const isGone = url.dataset !== '' || url.run !== ''
    return (
      <>
        {head}
        {isLoading ? <Loading /> : <NoTrajectories title={isGone ? 'This source is no longer here.' : 'No trajectories yet.'} />}
      </>
    )
  }
  return (
    <>
      {head}
      {compared.length > 1 && (
        <Panel
          title={`Comparing ${compared.length}`}
          aside={
            <Button
              onClick={() => {
                setUrl({ compare: '' })
              }}
            >
              Close comparison
            </Button>
          }
        >
          <CompareTrajectories trajectories={compared} labels={labels} place={place} />
        </Panel>
      )}
      <div className={lists.split} style={compared.length > 1 ? { marginTop: 12 } : undefined}>
        <div className={lists.side}>
          <ListPanel reading={reading} url={url} setUrl={setUrl} searchRef={search} />
        </div>
        <div style={{ minWidth: 0 }}>
          <ReaderPanel
            reading={reading}
            step={url.step}
            onStep={(step) => {
              setUrl({ step })
            }}
          />
        </div>
      </div>
    </>
  )
}

function NoTrajectories({ title }: { readonly title: string }) {
  return (
    <EmptyState
      title={title}
      action={
        <Button component={Link} href={hrefs.data()}>
          Open a file
        </Button>
      }
    >
      Import a file of trajectories, or start the run story on Home: the model’s attempts appear here.
    </EmptyState>
  )
}
