import { Text } from '@mantine/core'
import { methodColour } from '../../theme'
import { formOf } from '../../train/newRunForm'
import { RecipeLoader } from '../../train/RecipeLoader'
import classes from '../../train/train.module.css'
import { Panel } from '../../widgets/Panel'
import type { NewRunForm } from './useNewRun'

/** The method, or a recipe file that fills the whole form. */
export function MethodPanel({ form: { algorithms, algorithm, setUrl } }: { readonly form: NewRunForm }) {
  return (
    <Panel title="1 · Method">
      <RecipeLoader
        fallback={algorithm?.name ?? ''}
        onLoad={(recipe) => {
          setUrl(formOf(recipe))
        }}
      />
      <fieldset className={classes.methods} style={{ marginTop: 8 }}>
        <legend className={classes.legend} style={{ position: 'absolute', clipPath: 'inset(50%)' }}>
          Method
        </legend>
        {algorithms.map((one) => (
          <label key={one.name} className={classes.method}>
            <input
              type="radio"
              name="algorithm"
              value={one.name}
              checked={one.name === algorithm?.name}
              onChange={() => {
                setUrl({ algorithm: one.name, config: '', steps: null })
              }}
            />
            <span className={classes.swatch} style={{ background: methodColour(one) }} />
            <strong>{one.title}</strong>
            <small>{one.help}</small>
          </label>
        ))}
      </fieldset>
      {algorithm && (
        <Text size="xs" c="dimmed" mt={8}>
          {algorithm.paper}
        </Text>
      )}
    </Panel>
  )
}
