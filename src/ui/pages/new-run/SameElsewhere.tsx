import { Text } from '@mantine/core'
import { runOfSource } from '../../../records/dataSource'
import { commandLine } from '../../train/newRunForm'
import { RecipeFiles } from '../../train/RecipeFiles'
import { CopyText } from '../../widgets/CopyText'
import widgets from '../../widgets/widgets.module.css'
import type { NewRunForm } from './useNewRun'

/** The same run from the command line, as a recipe, in TRL and in verl. */
export function SameElsewhere({ form: { request, files } }: { readonly form: NewRunForm }) {
  if (!request) return null
  const line = commandLine(request, files)
  return (
    <>
      <details>
        <summary>The same from the command line</summary>
        <pre className={widgets.code} tabIndex={0} aria-label="Command line">
          {line}
        </pre>
        <CopyText text={line} />
        {request.data.some((id) => runOfSource(id) !== null) && (
          <Text size="xs" c="dimmed" mt={6}>
            Export the run’s practice to that file first: on the Data page, as JSON Lines.
          </Text>
        )}
        {request.benchmarkData !== undefined && (
          <Text size="xs" c="dimmed" mt={6}>
            PATH stands for the file or the folder with the benchmark’s data.
          </Text>
        )}
        {request.initAdapter && (
          <Text size="xs" c="dimmed" mt={6}>
            --init-adapter names the folder of the adapter’s files: export them there first.
          </Text>
        )}
      </details>
      <details>
        <summary>The same as a recipe, in TRL or in verl</summary>
        <RecipeFiles source={{ kind: 'request', request }} />
      </details>
    </>
  )
}
