/** A model: what it is, where it came from, what was shown of its architecture, and the adapters trained on it. */
import { Anchor, Button, Text } from '@mantine/core'
import { Link } from 'wouter'
import type { ArchitectureClaim, ImportedAdapter, ModelRow } from '../../worker/protocol'
import { ConfirmButton } from '../dataset/ConfirmButton'
import { counted, formatBytes, formatCount } from '../format'
import { hrefs } from '../navigation/hrefs'
import { useOpenedModel } from '../queries/models'
import { useDescription } from '../stores/studio'
import { VisibleText } from '../trajectory/VisibleText'
import { Panel } from '../widgets/Panel'
import { Term } from '../widgets/Term'
import { ModelMarks } from './ArchitectureMarks'
import classes from './models.module.css'

function parameterText(count: number): string {
  if (count >= 1e9) return `${(count / 1e9).toFixed(2)} B`
  return count >= 1e6 ? `${(count / 1e6).toFixed(2)} M` : formatCount(count)
}

function AdapterName({
  adapter,
  ...link
}: {
  readonly adapter: { readonly title: string; readonly sha256: string }
  readonly href: string
  readonly title?: string
}) {
  return (
    <span>
      <Anchor component={Link} size="sm" {...link}>
        <VisibleText text={adapter.title} />
      </Anchor>
      <span className={classes.hash} title={`SHA-256 ${adapter.sha256}`}>
        {adapter.sha256.slice(0, 12)}
      </span>
    </span>
  )
}

interface AdaptersProps {
  readonly model: ModelRow
  /** Adapters a person imported for it. */
  readonly imported: readonly ImportedAdapter[]
  readonly onExport: (runId: string, title: string) => void
  readonly onRemoveAdapter: (adapterId: string) => void
}

function Adapters({ model, imported, onExport, onRemoveAdapter }: AdaptersProps) {
  return (
    <>
      <Text size="xs" c="dimmed" mt={12} mb={4}>
        <Term of="adapter">Adapters</Term> trained on it
      </Text>
      {model.adapters.length === 0 ? (
        <Text size="xs">None yet.</Text>
      ) : (
        <ul className={classes.plain}>
          {model.adapters.map((adapter) => (
            <li key={adapter.run_id} className={classes.adapter} data-testid="adapter-row">
              <AdapterName adapter={adapter} href={hrefs.run(adapter.run_id)} />
              <Button
                size="compact-xs"
                component={Link}
                href={hrefs.evaluate({ model: model.model_id, adapter: adapter.run_id })}
                aria-label={`Evaluate ${adapter.title}`}
              >
                Evaluate
              </Button>
              <Button
                size="compact-xs"
                onClick={() => {
                  onExport(adapter.run_id, adapter.title)
                }}
                aria-label={`Export (PEFT): ${adapter.title}`}
              >
                Export (PEFT)
              </Button>
            </li>
          ))}
        </ul>
      )}
      {imported.length > 0 && (
        <>
          <Text size="xs" c="dimmed" mt={12} mb={4}>
            Imported
          </Text>
          <ul className={classes.plain}>
            {imported.map((adapter) => (
              <li key={adapter.adapter_id} className={classes.adapter} data-testid="imported-adapter">
                <AdapterName
                  adapter={adapter}
                  href={hrefs.newRun({ model: model.model_id, start: `imported:${adapter.adapter_id}` })}
                  title="Begin a run from it"
                />
                <ConfirmButton
                  label="Remove"
                  confirmLabel="Remove the adapter"
                  onConfirm={() => {
                    onRemoveAdapter(adapter.adapter_id)
                  }}
                />
              </li>
            ))}
          </ul>
        </>
      )}
    </>
  )
}

export function ModelCard({
  model,
  current,
  claims,
  imported,
  onExport,
  onRemove,
  onRemoveAdapter,
}: AdaptersProps & {
  readonly current: boolean
  readonly claims: readonly ArchitectureClaim[]
  readonly onRemove: () => void
}) {
  const { defaults } = useDescription()
  const facts: readonly (readonly [string, string])[] = [
    ['Architecture', model.architecture],
    ['Parameters', parameterText(model.parameters)],
    ['On disk', formatBytes(model.bytes)],
    ['In f32', formatBytes(model.parameters * 4)],
    ['Context', counted(model.contextLength, 'token')],
    ['Vocabulary', formatCount(model.vocabulary)],
  ]
  const opened = useOpenedModel(model.model_id).data
  const origin: readonly (readonly [string, string | null])[] = [
    ['Calls', opened?.how ?? null],
    ['From', model.origin],
    ['Revision', model.revision],
  ]
  return (
    <div data-testid="model-card" data-model={model.model_id} aria-current={current ? 'true' : undefined}>
      <Panel
        title={<VisibleText text={model.title} />}
        aside={
          <>
            <Button component={Link} href={hrefs.newRun({ model: model.model_id })}>
              Train
            </Button>
            <Button component={Link} href={hrefs.evaluate({ model: model.model_id })}>
              Evaluate
            </Button>
            {model.model_id !== defaults.model && (
              <ConfirmButton
                size="xs"
                label="Delete"
                confirmLabel="Delete its files"
                ariaLabel={`Delete ${model.title}`}
                onConfirm={onRemove}
              />
            )}
          </>
        }
      >
        <ModelMarks model={model} claims={claims} />
        <dl className={classes.facts}>
          {facts.map(([name, value]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>
                <VisibleText text={value} />
              </dd>
            </div>
          ))}
          {origin.map(
            ([name, value]) =>
              value !== null && (
                <div key={name} className={classes.wide}>
                  <dt>{name}</dt>
                  <dd>
                    <VisibleText text={value} />
                  </dd>
                </div>
              ),
          )}
        </dl>
        <Adapters model={model} imported={imported} onExport={onExport} onRemoveAdapter={onRemoveAdapter} />
      </Panel>
    </div>
  )
}
