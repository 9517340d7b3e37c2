/** A recipe as a file: Hone's own, or the same run in TRL or verl, with what could not be mapped. */
import { Button, Group, Text } from '@mantine/core'
import type { RecipeFile, RecipeSource } from '../../worker/protocol'
import { visibleText } from '../format'
import { downloadFile } from '../downloadFile'
import { useWriteRecipe } from '../queries/training'
import { CopyText } from '../widgets/CopyText'
import { Remarks } from './RecipeLoader'
import widgets from '../widgets/widgets.module.css'

const TARGETS = [
  { to: 'hone', label: 'Save the recipe' },
  { to: 'trl', label: 'As TRL' },
  { to: 'verl', label: 'As verl' },
] as const

function save({ name, text }: RecipeFile): void {
  downloadFile(name, text, name.endsWith('.yaml') ? 'application/yaml' : 'application/json')
}

export function RecipeFiles({ source }: { readonly source: RecipeSource }) {
  const { mutate, variables, data, error } = useWriteRecipe()
  const shown = variables?.to === 'hone' ? undefined : data
  const write = (to: (typeof TARGETS)[number]['to']): void => {
    mutate(
      { source, to },
      {
        onSuccess: (file) => {
          if (to === 'hone') save(file)
        },
      },
    )
  }
  return (
    <div data-testid="recipe-files">
      <Group gap={8} mt={8}>
        {TARGETS.map(({ to, label }) => (
          <Button
            key={to}
            size="compact-xs"
            onClick={() => {
              write(to)
            }}
          >
            {label}
          </Button>
        ))}
      </Group>
      {error !== null && (
        <Text c="var(--hone-unsolved)" role="alert" mt={4}>
          {visibleText(error)}
        </Text>
      )}
      {shown && (
        <div data-testid="recipe-shown">
          <Text mt={8}>
            For {shown.requires}:{' '}
            {shown.unmapped.length === 0 ? 'every setting could be translated.' : 'not every setting means the same there.'}
          </Text>
          <Remarks label={`${shown.unmapped.length} could not be translated, or only nearly`} remarks={shown.unmapped} />
          <Remarks label={`${shown.implied.length} are that program’s defaults already`} remarks={shown.implied} />
          <Remarks label={`${shown.ignored.length} belong to this run only`} remarks={shown.ignored} />
          <pre className={widgets.code} style={{ maxHeight: 420, overflowY: 'auto' }} tabIndex={0} aria-label={shown.name}>
            {shown.text}
          </pre>
          <Group gap={8} mt={4}>
            <Button
              size="compact-xs"
              onClick={() => {
                save(shown)
              }}
            >
              Save {shown.name}
            </Button>
            <CopyText text={shown.text} />
          </Group>
        </div>
      )}
    </div>
  )
}
