/** A recipe file onto the form: what it fills, and every field that it does not. */
import { Button, Group, Text } from '@mantine/core'
import { useRef } from 'react'
import type { FieldRemark, RecipeOnForm } from '../../worker/protocol'
import { counted, visibleText } from '../format'
import { useReadRecipe } from '../queries/training'
import { plainValue } from './plainValue'
import classes from './train.module.css'

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

export function RecipeLoader({ fallback, onLoad }: { readonly fallback: string; readonly onLoad: (recipe: RecipeOnForm) => void }) {
  const picker = useRef<HTMLInputElement>(null)
  const { mutate, variables, data: recipe, error } = useReadRecipe()
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
          if (file) mutate({ file, fallback }, { onSuccess: onLoad })
        }}
      />
      {error !== null && (
        <Text c="var(--hone-unsolved)" role="alert" mt={4}>
          {visibleText(error)}
        </Text>
      )}
      {recipe && variables && (
        <div role="status" data-testid="recipe-loaded">
          <Text mt={4}>
            {visibleText(variables.file.name)}: {counted(Object.keys(recipe.config).length, 'setting')} filled
            {recipe.ignored.length === 0 && ', nothing left out'}.
          </Text>
          <Remarks label={`${counted(recipe.ignored.length, 'field changes', 'fields change')} nothing`} remarks={recipe.ignored} />
          <Remarks label={`${counted(recipe.assumed.length, 'setting')} the file does not name`} remarks={recipe.assumed} />
        </div>
      )}
    </div>
  )
}
