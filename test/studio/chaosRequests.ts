/** Online runs small enough to be killed again and again, with every phase a large one has. */
import type { JobRequest } from '../../src/worker/protocol'

type TrainRequest = Extract<JobRequest, { kind: 'train' }>

const shared = {
  kind: 'train',
  model: 'starter',
  data: [],
  seed: 5,
  rowLimit: null,
} as const
const adapter = { learning_rate: 0.01, lora_r: 2, lora_targets: ['q_proj', 'v_proj'] }

export function chaosRequests(steps: number): Record<'steptool-ppo' | 'grpo', TrainRequest> {
  return {
    'steptool-ppo': {
      ...shared,
      algorithm: 'steptool-ppo',
      steps,
      config: {
        ...adapter,
        // Untrained, it earns 0 everywhere: only values that differ give it something to learn.
        value_head_init: 'torch',
        batch_size: 2,
        mini_batch_size: 1,
        gradient_accumulation_steps: 1,
        ppo_epochs: 2,
      },
      checkpoints: { everySteps: 1, everyMinutes: 60, best: null },
    },
    grpo: {
      ...shared,
      algorithm: 'grpo',
      steps,
      // beta > 0: where every attempt of a group earns the same, only the KL moves the policy.
      config: { ...adapter, generation_batch_size: 4, num_generations: 2, steps_per_generation: 2, num_iterations: 2, beta: 0.05 },
      checkpoints: { everySteps: 2, everyMinutes: 60, best: null },
    },
  }
}
