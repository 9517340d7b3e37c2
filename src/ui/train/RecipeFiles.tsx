/** A recipe as a file: Hone's own, or the same run in TRL or verl, with what could not be mapped. */
import { Button, Group, Text } from '@mantine/core'
import { useState } from 'react'
import type { RecipeFile, RecipeSource } from '../../worker/protocol'
import { visibleText } from '../format'
import { useStudio } from '../stores/studio'
import { downloadBytes } from '../story/exportFiles'
import { CopyText } from '../widgets/CopyText'
import { Remarks } from './RecipeLoader'
import widgets from '../widgets/widgets.module.css'

const TARGETS = [
  { to: 'hone', label: 'Save the recipe' },
  { to: 'trl', label: 'As TRL' },
  { to: 'verl', label: 'As verl' },
] as const

export function RecipeFiles({ source }: { readonly source: RecipeSource }) {
  const studio = useStudio()
  const [shown, setShown] = useState<RecipeFile | null>(null)
  const [problem, setProblem] = useState<string | null>(null)
  const write = async (to: (typeof TARGETS)[number]['to']): Promise<void> => {
    const reply = await studio.recipes.write(source, to)
    setProblem(reply.ok ? null : reply.message)
    setShown(reply.ok && to !== 'hone' ? reply.value : null)
    if (reply.ok && to === 'hone') save(reply.value)
  }
  const save = ({ name, text }: RecipeFile): void => {
    downloadBytes(name, [text], name.endsWith('.yaml') ? 'application/yaml' : 'application/json')
  }
  return (
    <div data-testid="recipe-files">
      <Group gap={8} mt={8}>
        {TARGETS.map(({ to, label }) => (
          <Button
            key={to}
            size="compact-xs"
            onClick={() => {
              void write(to)
            }}
          >
            {label}
          </Button>
        ))}
      </Group>
      {problem !== null && (
        <Text c="var(--hone-unsolved)" role="alert" mt={4}>
          {visibleText(problem)}
        </Text>
      )}
      {shown && (
        <div data-testid="recipe-shown">
          <Text mt={8}>
            For {shown.requires}: {shown.unmapped.length === 0 ? 'everything went over.' : 'not everything means the same.'}
          </Text>
          <Remarks label={`${shown.unmapped.length} did not go over, or not quite`} remarks={shown.unmapped} />
          <Remarks label={`${shown.implied.length} it does without being told`} remarks={shown.implied} />
          <Remarks label={`${shown.ignored.length} belong to this run alone`} remarks={shown.ignored} />
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
