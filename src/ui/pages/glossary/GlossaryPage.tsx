import { Table, Text, TextInput } from '@mantine/core'
import { useRef } from 'react'
import { z } from 'zod'
import { formatCount } from '../../format'
import { useUrlState } from '../../navigation/location'
import { usePageKeys } from '../../navigation/pageKeys'
import { useDescription } from '../../stores/studio'
import { EmptyState, PageHead, Panel } from '../../widgets/Panel'
import { metricRows, termRows } from './glossaryRows'

const urlSchema = z.object({ q: z.string().default('') })

/** What the words of the screens mean, and what each algorithm reports. */
export default function GlossaryPage() {
  const [{ q }, setUrl] = useUrlState(urlSchema)
  const { algorithms } = useDescription()
  const search = useRef<HTMLInputElement>(null)
  usePageKeys([
    {
      keys: '/',
      does: 'search',
      run: () => {
        search.current?.focus()
      },
    },
  ])
  const terms = termRows(q)
  const metrics = metricRows(algorithms, q)
  return (
    <>
      <PageHead title="Glossary" about="What the words on these pages mean, and what every algorithm reports while it trains." />
      <TextInput
        ref={search}
        aria-label="Search the glossary"
        placeholder="Search words, metrics and algorithms"
        maw={360}
        mb={12}
        value={q}
        onChange={(event) => {
          setUrl({ q: event.currentTarget.value })
        }}
      />
      {terms.length + metrics.length === 0 && (
        <EmptyState title={`Nothing contains “${q}”.`}>Try a shorter word, or a metric’s name as a chart shows it.</EmptyState>
      )}
      {terms.length > 0 && (
        <Panel title={`Words (${formatCount(terms.length)})`} flush testId="glossary-terms">
          <Rows
            label="Words"
            head={['Word', 'Meaning']}
            rows={terms.map(({ title, text }) => ({ key: title, cells: [<strong key="title">{title}</strong>, text] }))}
          />
        </Panel>
      )}
      {metrics.length > 0 && (
        <Panel title={`Metrics (${formatCount(metrics.length)})`} flush testId="glossary-metrics">
          <Rows
            label="Metrics"
            head={['Metric', 'Meaning', 'Reported by']}
            rows={metrics.map(({ name, meaning, algorithms: titles }) => ({
              key: `${name} ${meaning}`,
              cells: [
                <Text key="name" ff="monospace" size="sm">
                  {name}
                </Text>,
                meaning,
                titles.join(', '),
              ],
            }))}
          />
        </Panel>
      )}
    </>
  )
}

interface RowsProps {
  readonly label: string
  readonly head: readonly string[]
  readonly rows: readonly { readonly key: string; readonly cells: readonly React.ReactNode[] }[]
}

function Rows({ label, head, rows }: RowsProps) {
  return (
    <Table.ScrollContainer minWidth={320} scrollAreaProps={{ viewportProps: { tabIndex: 0, 'aria-label': label } }}>
      <Table>
        <Table.Thead>
          <Table.Tr>
            {head.map((title) => (
              <Table.Th key={title}>{title}</Table.Th>
            ))}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {rows.map(({ key, cells }) => (
            <Table.Tr key={key}>
              {cells.map((cell, index) => (
                <Table.Td key={head[index]}>{cell}</Table.Td>
              ))}
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  )
}
