import { Select, TextInput } from '@mantine/core'
import { useMemo, useRef, useState } from 'react'
import { z } from 'zod'
import { counted, formatCount } from '../../format'
import { useUrlState } from '../../navigation/location'
import { usePageKeys } from '../../navigation/pageKeys'
import type { EnvironmentDescription, GivenWorld } from '../../../worker/protocol'
import { useEnvironment } from '../../queries/worlds'
import { useDescription } from '../../stores/studio'
import { toolGroups } from '../../tools/toolCatalogue'
import { ToolConsole } from '../../tools/ToolConsole'
import classes from '../../tools/tools.module.css'
import { VisibleText } from '../../trajectory/VisibleText'
import { EmptyState, PageHead, Panel } from '../../widgets/Panel'
import { WorldFields } from '../../worlds/WorldFields'
import { NoTool } from './NoTool'

const text = z.string().default('')
const urlSchema = z.object({ world: text, tool: text, q: text, data: text })

/** A world that needs nothing is computed; behind another there may be anything. */
const repeatsOf = ({ needs }: EnvironmentDescription): string =>
  needs === null ? 'The world is deterministic: the same call gives the same reply.' : 'Every call is the first of a fresh attempt.'

export default function ToolsPage() {
  const [url, setUrl] = useUrlState(urlSchema)
  const { environments } = useDescription()
  const search = useRef<HTMLInputElement>(null)
  const known = environments.find((one) => one.name === url.world) ?? environments[0]
  const [others, setOthers] = useState<Omit<GivenWorld, 'data'>>({})
  const given: GivenWorld = { ...others, ...(url.data === '' ? {} : { data: url.data }) }
  const made = useEnvironment(known, given)
  const world = made.data ?? known
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
            {world.description} {world.tools.length > 0 && `It has ${counted(world.tools.length, 'tool')}: choose one, and try a call.`}
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
          </>
        }
        actions={
          environments.length > 1 && (
            <Select
              aria-label="Tool world"
              value={world.name}
              data={environments.map((one) => ({ value: one.name, label: one.title }))}
              onChange={(value) => {
                setOthers({})
                setUrl({ world: value ?? '', tool: '', data: '' })
              }}
            />
          )
        }
      />
      <WorldFields
        key={world.name}
        needs={world.needs}
        settingsSchema={world.settingsSchema}
        usesSimulator={world.usesSimulator}
        value={given}
        onChange={({ data = '', ...value }) => {
          setOthers(value)
          setUrl({ data })
        }}
        problem={made.error}
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
        {tool ? (
          <ToolConsole key={tool.name} environment={world.name} repeats={repeatsOf(world)} given={given} tool={tool} />
        ) : (
          <NoTool world={world} isSearched={url.q !== ''} />
        )}
      </div>
    </>
  )
}
