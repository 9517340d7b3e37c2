import { Select, TextInput } from '@mantine/core'
import { useMemo, useRef } from 'react'
import { z } from 'zod'
import { counted, formatCount } from '../../format'
import { useUrlState } from '../../navigation/location'
import { usePageKeys } from '../../navigation/pageKeys'
import { useDescription } from '../../stores/studio'
import { toolGroups } from '../../tools/toolCatalogue'
import { ToolConsole } from '../../tools/ToolConsole'
import classes from '../../tools/tools.module.css'
import { VisibleText } from '../../trajectory/VisibleText'
import { EmptyState, PageHead, Panel } from '../../widgets/Panel'

const urlSchema = z.object({ world: z.string().default(''), tool: z.string().default(''), q: z.string().default('') })

export default function ToolsPage() {
  const [url, setUrl] = useUrlState(urlSchema)
  const { environments } = useDescription()
  const search = useRef<HTMLInputElement>(null)
  const world = environments.find((one) => one.name === url.world) ?? environments[0]
  const groups = useMemo(() => toolGroups(world?.tools ?? [], url.q), [world, url.q])
  const order = groups.flatMap((group) => group.tools)
  const tool = world?.tools.find((one) => one.name === url.tool) ?? order[0]
  const move = (by: number): void => {
    const at = order.findIndex((one) => one.name === tool?.name)
    const next = order[Math.max(0, Math.min(order.length - 1, at + by))]
    if (next) setUrl({ tool: next.name })
  }
  usePageKeys([
    {
      keys: 'j',
      does: 'next tool',
      run: () => {
        move(1)
      },
    },
    {
      keys: 'k',
      does: 'previous tool',
      run: () => {
        move(-1)
      },
    },
    {
      keys: '/',
      does: 'search',
      run: () => {
        search.current?.focus()
      },
    },
  ])
  if (!world) {
    return (
      <>
        <PageHead title="Tools" />
        <EmptyState title="No tool world is loaded." />
      </>
    )
  }
  return (
    <>
      <PageHead
        title="Tools"
        about={
          <>
            {world.title}: {counted(world.tools.length, 'tool')}.
            {world.hash !== null && (
              <>
                {' '}
                World hash{' '}
                <span className={classes.mono} title={world.hash}>
                  {world.hash.slice(0, 16)}
                </span>
                ; it stands on every result.
              </>
            )}
            {world.needs !== null && ` It needs ${world.needs}.`}
          </>
        }
        actions={
          environments.length > 1 && (
            <Select
              aria-label="Tool world"
              value={world.name}
              data={environments.map((one) => ({ value: one.name, label: one.title }))}
              onChange={(value) => {
                setUrl({ world: value ?? '', tool: '' })
              }}
            />
          )
        }
      />
      <div className={classes.split}>
        <Panel title={url.q === '' ? 'Catalogue' : `${formatCount(order.length)} match`} flush>
          <div style={{ padding: 8 }}>
            <TextInput
              ref={search}
              aria-label="Search tools"
              placeholder="Search names, parameters, descriptions"
              value={url.q}
              onChange={(event) => {
                setUrl({ q: event.currentTarget.value })
              }}
            />
          </div>
          <nav className={classes.catalogue} aria-label="Tools by category" tabIndex={0}>
            {groups.map((group) => (
              <div key={group.category}>
                <div className={classes.category}>
                  <VisibleText text={group.category} />
                  <span className={classes.mono}>{group.tools.length}</span>
                </div>
                {group.tools.map((one) => (
                  <button
                    key={one.name}
                    type="button"
                    className={classes.toolRow}
                    data-testid="tool-row"
                    aria-current={one.name === tool?.name ? 'true' : undefined}
                    onClick={() => {
                      setUrl({ tool: one.name })
                    }}
                  >
                    <VisibleText text={one.name} />
                  </button>
                ))}
              </div>
            ))}
          </nav>
        </Panel>
        {tool ? <ToolConsole key={tool.name} environment={world.name} tool={tool} /> : <EmptyState title="No tool matches." />}
      </div>
    </>
  )
}
