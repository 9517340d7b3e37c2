import { Text, TextInput } from '@mantine/core'
import { setPreferences, usePreferences } from '../stores/preferences'
import { useDescription, useSource } from '../stores/studio'
import { Panel } from '../widgets/Panel'
import { licences } from './licences'
import classes from './settings.module.css'

/** Who signs the labels, and what the workspace is called. */
export function PersonPanel() {
  const annotator = usePreferences((state) => state.annotator)
  const workspace = usePreferences((state) => state.workspace)
  return (
    <Panel title="You">
      <div style={{ display: 'grid', gap: 8, maxWidth: 360 }}>
        <TextInput
          label="Your labels are signed"
          description="Stands on every opinion you give."
          value={annotator}
          onChange={(event) => {
            setPreferences({ annotator: event.currentTarget.value })
          }}
        />
        <TextInput
          label="Workspace"
          value={workspace}
          onChange={(event) => {
            setPreferences({ workspace: event.currentTarget.value })
          }}
        />
      </div>
    </Panel>
  )
}

export function AboutPanel() {
  const description = useDescription()
  const source = useSource()
  return (
    <>
      <Panel title="Hone">
        <Text>
          A browser studio that trains and evaluates tool-using language models on your own GPU, by step-grained rewards. Apache-2.0.
        </Text>
        <dl className={classes.facts} style={{ marginTop: 8 }}>
          <dt>Showing</dt>
          <dd>{source === 'recorded' ? 'a recorded run' : 'the live studio'}</dd>
          <dt>Algorithms</dt>
          <dd>{description.algorithms.map((one) => one.title).join(', ')}</dd>
          <dt>Architectures</dt>
          <dd>{description.architectures.join(', ')}</dd>
          <dt>Formats</dt>
          <dd>{description.formats.map((one) => one.title).join(', ')}</dd>
          <dt>Tool worlds</dt>
          <dd className={classes.mono}>
            {description.environments.map((one) => `${one.name} ${one.hash?.slice(0, 12) ?? ''}`.trim()).join(', ')}
          </dd>
          <dt>GPU operations</dt>
          <dd>{description.ops.length}</dd>
        </dl>
      </Panel>
      <Panel title="Made with" flush>
        <table className={classes.table}>
          <thead>
            <tr>
              <th scope="col">Library</th>
              <th scope="col">Version</th>
              <th scope="col">Licence</th>
            </tr>
          </thead>
          <tbody>
            {licences.map((one) => (
              <tr key={one.name}>
                <td>{one.name}</td>
                <td className={classes.mono}>{one.version}</td>
                <td>{one.licence}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Panel>
    </>
  )
}
