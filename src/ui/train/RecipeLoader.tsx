/** A recipe file onto the form: what it fills, and every field that it does not. */
import { Button, Group, Text } from '@mantine/core'
import { useRef, useState } from 'react'
import type { FieldRemark, RecipeOnForm } from '../../worker/protocol'
import { visibleText } from '../format'
import { useStudio } from '../stores/studio'
import { plainValue } from './plainValue'
import classes from './train.module.css'

interface Loaded {
  readonly file: string
  readonly recipe: RecipeOnForm
}

export function Remarks({ label, remarks }: { readonly label: string; readonly remarks: readonly FieldRemark[] }) {
  if (remarks.length === 0) return null
  return (
    <details className={classes.remarks} open={remarks.length <= 4}>
      <summary>{label}</summary>
      <ul>
        {remarks.map(({ field, value, reason }, index) => (
          <li key={index}>
            <code>{visibleText(field)}</code> {visibleText(plainValue(value))}: {visibleText(reason)}
          </li>
        ))}
      </ul>
    </details>
  )
}

const counted = (count: number, one: string, many: string): string => `${count} ${count === 1 ? one : many}`

export function RecipeLoader({ fallback, onLoad }: { readonly fallback: string; readonly onLoad: (recipe: RecipeOnForm) => void }) {
  const studio = useStudio()
  const picker = useRef<HTMLInputElement>(null)
  const [loaded, setLoaded] = useState<Loaded | null>(null)
  const [problem, setProblem] = useState<string | null>(null)
  const load = async (file: File): Promise<void> => {
    const reply = await studio.recipes.read(file.name, await file.text(), fallback)
    setProblem(reply.ok ? null : reply.message)
    setLoaded(reply.ok ? { file: file.name, recipe: reply.value } : null)
    if (reply.ok) onLoad(reply.value)
  }
  return (
    <div data-testid="recipe-loader">
      <Group gap={8}>
        <Button size="compact-xs" onClick={() => picker.current?.click()}>
          Load a recipe
        </Button>
        <Text size="xs" c="dimmed">
          Hone’s JSON, StepTool_ppo.json, archer_config.yaml, or a TRL configuration.
        </Text>
      </Group>
      <input
        ref={picker}
        type="file"
        accept=".json,.yaml,.yml"
        hidden
        aria-label="Recipe file"
        data-testid="recipe-file"
        onChange={(event) => {
          const file = event.currentTarget.files?.[0]
          event.currentTarget.value = ''
          if (file)
            load(file).catch((reason: unknown) => {
              setProblem(reason instanceof Error ? reason.message : String(reason))
            })
        }}
      />
      {problem !== null && (
        <Text c="var(--hone-unsolved)" role="alert" mt={4}>
          {visibleText(problem)}
        </Text>
      )}
      {loaded && (
        <div role="status" data-testid="recipe-loaded">
          <Text mt={4}>
            {visibleText(loaded.file)}: {counted(Object.keys(loaded.recipe.config).length, 'setting', 'settings')} filled
            {loaded.recipe.ignored.length === 0 && ', nothing left out'}.
          </Text>
          <Remarks
            label={`${counted(loaded.recipe.ignored.length, 'field changes', 'fields change')} nothing`}
            remarks={loaded.recipe.ignored}
          />
          <Remarks
            label={`${counted(loaded.recipe.assumed.length, 'setting', 'settings')} the file does not name`}
            remarks={loaded.recipe.assumed}
          />
        </div>
      )}
    </div>
  )
}
