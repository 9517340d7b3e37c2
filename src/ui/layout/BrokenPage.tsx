/** In place of a page that threw: what it was about, what goes on, and where to go from here. */
import { Button } from '@mantine/core'
import { nameText } from '../format'
import { listOf, openRecords } from '../navigation/openRecords'
import { navigate } from '../navigation/location'
import { queryClient } from '../queries/client'
import { titleOf } from '../queries/recordTitles'
import { PageHead } from '../widgets/Panel'
import { ErrorPanel } from '../widgets/ProblemList'

/** The records that the page was opened with, each with its title, where one is known, and its id. */
function whatFailed(address: string): string {
  const records = openRecords(address).map((record) => {
    const title = titleOf(record, queryClient)
    return title === null || title === record.id
      ? `${record.kind} ${nameText(record.id)}`
      : `${record.kind} “${nameText(title)}” (${nameText(record.id)})`
  })
  if (records.length === 0) return 'Something on it could not be shown.'
  return records.length === 1 ? `${records[0] ?? ''} could not be shown.` : `One of these could not be shown: ${records.join(', ')}.`
}

interface BrokenPageProps {
  readonly error: Error
  /** Of the page: path and query. */
  readonly address: string
  readonly onLeave: () => void
}

export function BrokenPage({ error, address, onLeave }: BrokenPageProps) {
  const list = listOf(address)
  return (
    <>
      <PageHead title="This page stopped working" />
      <ErrorPanel
        title={whatFailed(address)}
        details={`${error.message}\n${error.stack ?? ''}`}
        actions={
          <>
            <Button onClick={onLeave}>Try again</Button>
            {list !== address && (
              <Button
                onClick={() => {
                  onLeave()
                  navigate(list)
                }}
              >
                Back to the list
              </Button>
            )}
            <Button
              onClick={() => {
                location.reload()
              }}
            >
              Reload
            </Button>
          </>
        }
      >
        A run in progress goes on in its worker, and everything stored is kept. Other pages, and other records on this page, can be opened.
      </ErrorPanel>
    </>
  )
}
