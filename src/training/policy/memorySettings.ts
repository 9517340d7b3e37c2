/** Settings that trade memory for time and do not change what is computed. */
import { z } from 'zod'

export const memorySettings = {
  gradient_checkpointing: z.boolean().default(false).meta({
    group: 'Memory',
    help: 'If on, activations are computed again for the backward pass instead of being stored. This takes less memory and more time, and the numbers are the same.',
  }),
}
