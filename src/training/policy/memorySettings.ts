/** What a run may spend memory or time on, without changing what is computed. */
import { z } from 'zod'

export const memorySettings = {
  gradient_checkpointing: z.boolean().default(false).meta({
    group: 'Memory',
    help: 'Compute a layer’s activations again for its gradients instead of keeping them: less memory, more time, the same numbers.',
  }),
}
