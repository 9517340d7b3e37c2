/** How large the run story is. */
import type { StoryScale } from '../../training/algorithm'

interface StorySize extends StoryScale {
  readonly examQueries: number
}

/** `gpu`: at most 3 minutes there. `software`: about a minute on two processor cores, and too small to prove much. */
export const storySizes: Readonly<Record<'gpu' | 'software', StorySize>> = {
  gpu: { examQueries: 96, steps: 30, batch: 64, epochs: 4, learningRate: 5e-4 },
  software: { examQueries: 30, steps: 3, batch: 16, epochs: 2, learningRate: 2e-3 },
}
