/** Reads a recipe file into a request, with a remark about every field that could not be used, and writes a request or a run as a file. */
import { benchmarks } from '../../evaluation/benchmarks'
import type { FieldRemark } from '../../records/fieldRemark'
import { totalSteps } from '../../records/run'
import type { Store } from '../../storage/store'
import {
  knownSettings,
  isAlgorithmName,
  completeRecipe,
  EXPERT_FIELDS,
  recipeFromObject,
  type ReadRecipe,
} from '../../training/recipes/recipe'
import { readRecipe } from '../../training/recipes/readRecipe'
import { renderRecipe } from '../../training/recipes/renderRecipe'
import type { ImportedAdapter, ModelRow, RecipeFile, RecipeOnForm, RecipeSource, Reply, StartFrom } from '../../worker/protocol'
import type { RecipesApi } from '../../worker/studioApi'
import { runOfSource } from '../../records/dataSource'
import { dataSourceName } from '../data/dataSources'
import { accept, attempt, refuse } from '../failure'

interface RecipeParts {
  readonly store: Store
  readonly models: () => Promise<readonly ModelRow[]>
  readonly imported: () => Promise<readonly ImportedAdapter[]>
}

export function createRecipes({ store, models, imported }: RecipeParts): RecipesApi {
  return {
    read: (file, text, fallback) =>
      attempt('recipe', async () =>
        onForm(file, readRecipe(file, text), fallback, {
          models: await models(),
          datasets: (await store.datasets.list()).records,
          runs: (await store.runs.list()).records.map(({ run_id }) => run_id),
          imported: await imported(),
        }),
      ),
    write: (source, to) =>
      attempt('recipe', async () => {
        const found = await recipeOf(source, store, imported)
        if (!found.ok) return found
        const { text, requires, unmapped, implied, ignored } = renderRecipe('the recipe', found.value, to)
        const name = `${source.kind === 'run' ? source.run_id : (found.value.recipe.algorithm ?? 'recipe')}.${to === 'verl' ? 'verl.yaml' : to === 'trl' ? 'trl.json' : 'json'}`
        return accept<RecipeFile>({ name, text, requires, unmapped, implied, ignored })
      }),
  }
}

interface Known {
  readonly models: readonly ModelRow[]
  readonly datasets: readonly { readonly dataset_id: string; readonly name: string }[]
  /** Ids of runs, whose practice a recipe may name. */
  readonly runs: readonly string[]
  readonly imported: readonly ImportedAdapter[]
}

/** Throws one sentence for a value no setting can have. */
function onForm(
  file: string,
  { recipe, ignored, assumed }: ReadRecipe,
  fallback: string,
  { models, datasets, runs, imported }: Known,
): Reply<RecipeOnForm> {
  const remarks: FieldRemark[] = [...ignored]
  const named = recipe.algorithm ?? fallback
  if (!isAlgorithmName(named)) return refuse('algorithm', `${file} is for ${named}, which is no algorithm of Hone.`)
  const { known, ignored: unknown } = knownSettings(recipe.config, named)
  remarks.push(...unknown.map((remark) => ({ ...remark, field: `config.${remark.field}` })))
  completeRecipe(file, { ...recipe, algorithm: named })
  const model = recipe.model === null ? null : (modelNamed(recipe.model, models) ?? null)
  if (recipe.model !== null && model === null)
    remarks.push({ field: 'model', value: recipe.model, reason: 'It is not open here: open it under Models, then choose it.' })
  const initAdapter = recipe.init_adapter === null ? null : initialAdapterNamed(recipe.init_adapter, models, imported)
  if (recipe.init_adapter !== null && initAdapter === null)
    remarks.push({
      field: 'init_adapter',
      value: recipe.init_adapter,
      reason: 'No adapter of this name is here: import it, then choose it.',
    })
  const data: string[] = []
  for (const path of recipe.data) {
    const same = datasets.find(({ name }) => name === path.split('/').at(-1))
    if (same) data.push(same.dataset_id)
    else if (runs.includes(runOfSource(path) ?? '')) data.push(path)
    else if (!Object.keys(benchmarks).includes(path))
      remarks.push({ field: 'data', value: path, reason: 'No data set of this name is here: import it, then choose it.' })
  }
  for (const field of EXPERT_FIELDS)
    if (recipe[field] !== undefined)
      remarks.push({
        field,
        value: recipe[field],
        reason: 'It draws the benchmark’s world from another seed or settings. The page does not do that yet; the command line does.',
      })
  if (recipe.made !== undefined) remarks.push({ field: 'made', value: '…', reason: 'It tells what the run gave, and sets nothing.' })
  return accept({
    algorithm: named,
    model,
    data,
    steps: recipe.steps,
    seed: recipe.seed,
    dtype: recipe.dtype ?? null,
    kvDtype: recipe.kv_dtype ?? null,
    initAdapter,
    config: known,
    ignored: remarks,
    assumed: [...assumed],
  })
}

function modelNamed(spec: string, models: readonly ModelRow[]): string | undefined {
  const bare = spec.replace(/^hf:/, '').split('@')[0] ?? spec
  return models.find(
    ({ model_id, title, origin }) =>
      model_id === spec || title === bare || title === bare.split('/').at(-1) || (origin?.endsWith(`/${bare}`) ?? false),
  )?.model_id
}

/** What a run's record calls the adapter it began from: a run, its best weights, or an imported adapter's title. */
function initialAdapterNamed(name: string, models: readonly ModelRow[], imported: readonly ImportedAdapter[]): StartFrom | null {
  const runs = models.flatMap(({ adapters }) => adapters.map(({ run_id }) => run_id))
  const [run_id = '', best] = name.split('/')
  if (runs.includes(run_id) && (best === undefined || best === 'best'))
    return { kind: 'run', run_id, which: best === undefined ? 'last' : 'best' }
  const same = imported.find(({ title }) => title === name.split('/').at(-1))
  return same ? { kind: 'imported', adapter_id: same.adapter_id } : null
}

async function initialAdapterText(from: StartFrom | undefined, imported: RecipeParts['imported']): Promise<string | null> {
  if (!from) return null
  if (from.kind === 'run') return from.which === 'best' ? `${from.run_id}/best` : from.run_id
  return (await imported()).find(({ adapter_id }) => adapter_id === from.adapter_id)?.title ?? from.adapter_id
}

async function recipeOf(source: RecipeSource, store: Store, imported: RecipeParts['imported']): Promise<Reply<ReadRecipe>> {
  if (source.kind === 'request') {
    const { algorithm, seed, steps, model, config, data, dtype = 'f32', kvDtype = 'f32' } = source.request
    const names = await Promise.all(data.map((id) => dataSourceName(store, id)))
    return accept(
      asRead({
        ...{ algorithm, seed, steps, model, data: names, config },
        init_adapter: await initialAdapterText(source.request.initAdapter, imported),
        ...(dtype === 'f32' ? {} : { dtype }),
        ...(kvDtype === 'f32' ? {} : { kv_dtype: kvDtype }),
      }),
    )
  }
  const run = await store.runs.get(source.run_id)
  if (!run) return refuse('unknown-run', `There is no run ${source.run_id}; it may have been removed.`)
  if (run.algorithm === null || !isAlgorithmName(run.algorithm))
    return refuse('no-recipe', 'Nothing was trained in this run: it has no recipe.')
  const { dtype, kv_dtype, init_adapter = null, init_adapter_sha256: _hash, ...settings } = run.config
  const { known, ignored } = knownSettings(settings, run.algorithm)
  const names = await Promise.all(run.data.map(({ id }) => dataSourceName(store, id)))
  const steps = totalSteps(run)
  const read = asRead({
    ...{ algorithm: run.algorithm, seed: run.seed, steps, model: run.model.id, data: names, config: known },
    ...{ dtype, kv_dtype, init_adapter },
  })
  return accept({ ...read, ignored: [...read.ignored, ...ignored] })
}

const asRead = (fields: Readonly<Record<string, unknown>>): ReadRecipe => ({
  ...recipeFromObject('the recipe', { version: 1, ...fields }),
  assumed: [],
})
