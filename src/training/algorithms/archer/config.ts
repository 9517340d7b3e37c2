/** ArCHer's settings, under TRL's names where TRL has them and its own elsewhere, and its metrics. */
import { z } from 'zod'
import { adapterSettings } from '../../policy/adapterSettings'
import { memorySettings } from '../../policy/memorySettings'
import { adamSettings } from '../../policy/optimizerSettings'
import { SCHEDULES } from '../../policy/schedule'
import { sequenceSettings } from '../../batches/sequenceSettings'
import { UNLABELLED_STEPS } from '../../batches/stepRewards'

export const archerConfig = z.object({
  learning_rate: z.number().positive().default(2e-6).meta({
    group: 'Optimizer',
    small: 1e-3,
    help: 'Peak learning rate of the actor (lm_lr). 2e-6 suits 7B models; an adapter on a small one takes 1e-4 and more.',
    essential: true,
  }),
  critic_lr: z.number().positive().default(1e-5).meta({
    group: 'Optimizer',
    small: 1e-3,
    help: 'Peak learning rate of the critics. 1e-5 trains them over thousands of updates; 1e-3 in a short run.',
    essential: true,
  }),
  max_steps: z
    .int()
    .positive()
    .default(100)
    .meta({ group: 'Length and batches', help: 'Iterations: practice, then critics, then actor.', essential: true }),
  rollout_size: z
    .int()
    .positive()
    .default(16)
    .meta({ group: 'Length and batches', small: 64, help: 'Online: trajectories practised in an iteration.', essential: true }),
  batch_size: z.int().positive().default(4).meta({ group: 'Length and batches', small: 8, help: 'Utterances whose mean loss is taken.' }),
  gradient_accumulation_steps: z
    .int()
    .positive()
    .default(8)
    .meta({ group: 'Length and batches', small: 4, help: 'Batches of one update, of the critics and of the actor.' }),
  epochs: z
    .int()
    .positive()
    .default(20)
    .meta({ group: 'Length and batches', help: 'Updates of the critics in an iteration.', essential: true }),
  actor_epochs: z
    .int()
    .positive()
    .default(1)
    .meta({ group: 'Length and batches', help: 'Updates of the actor in an iteration.', essential: true }),
  warmup_iter: z.int().nonnegative().default(10).meta({
    group: 'Length and batches',
    help: 'Iterations in which the critics learn alone: an actor led by untrained critics only drifts.',
    essential: true,
  }),
  capacity: z
    .int()
    .positive()
    .default(100_000)
    .meta({ group: 'Length and batches', help: 'Utterances the replay buffer holds; the oldest give way.' }),
  gamma: z.number().min(0).max(1).default(0.95).meta({ group: 'Reward and advantage', help: 'Discount per utterance.', essential: true }),
  tau: z
    .number()
    .gt(0)
    .max(1)
    .default(0.1)
    .meta({ group: 'Value head and critics', help: 'Share by which the target critics follow the critics after each update.' }),
  max_grad_norm: z.number().nonnegative().default(10).meta({
    group: 'Optimizer',
    help: 'Gradients of critics and of the actor, each by itself, are scaled down to this global norm; 0 turns clipping off.',
  }),
  accumulation_reduction: z.enum(['mean', 'sum']).default('mean').meta({
    group: 'Optimizer',
    help: 'mean: the loss of an update is the mean over all its batches. sum: their sum, as in ArCHer’s code, which is clipped sooner.',
  }),
  fresh_actions: z.enum(['every_iteration', 'every_draw']).default('every_iteration').meta({
    group: 'Value head and critics',
    help: 'What target Q is asked about: one sampled action per observation and iteration, or a new one each time an utterance is drawn, as in ArCHer’s code: less noise, many times the generation.',
  }),
  use_baseline: z.boolean().default(false).meta({
    group: 'Value head and critics',
    help: 'A value head learns the advantage token by token and is taken off it: less variance.',
  }),
  critic_hidden_size: z
    .int()
    .positive()
    .nullable()
    .default(null)
    .meta({ group: 'Value head and critics', help: 'Width of the critics’ two hidden layers; empty: the model’s hidden size.' }),
  temperature: z.number().positive().default(1).meta({ group: 'Sequences', help: 'Of sampled actions. Log-probabilities are taken at 1.' }),
  unlabelled_steps: z.enum(UNLABELLED_STEPS).default('leave_out').meta({
    group: 'Reward and advantage',
    help: 'leave_out: an utterance without a label is not replayed. no_score: it is, as if its reward were 0.',
  }),
  lr_scheduler_type: z.enum(SCHEDULES).default('constant').meta({ group: 'Optimizer', help: 'How the actor’s learning rate moves.' }),
  warmup_steps: z
    .int()
    .nonnegative()
    .default(0)
    .meta({ group: 'Optimizer', help: 'Updates of the actor over which its learning rate rises from 0.' }),
  critic_lr_scheduler_type: z
    .enum(SCHEDULES)
    .default('constant')
    .meta({ group: 'Optimizer', help: 'How the critics’ learning rate moves.' }),
  critic_warmup_steps: z
    .int()
    .nonnegative()
    .default(0)
    .meta({ group: 'Optimizer', help: 'Updates of the critics over which their learning rate rises from 0.' }),
  weight_decay: z
    .number()
    .nonnegative()
    .default(0)
    .meta({ group: 'Optimizer', help: 'Decoupled decay on matrices, of critics and actor.' }),
  ...adapterSettings(8),
  ...sequenceSettings({ context: 4096, essential: false }),
  max_response_len: z
    .int()
    .positive()
    .default(256)
    .meta({ group: 'Sequences', help: 'Tokens of a sampled action at most (max_new_tokens), and tokens kept of a final response.' }),
  max_tokens_per_micro_batch: z.int().min(32).default(5120).meta({
    group: 'Memory',
    help: 'Tokens processed at once: bounds memory, changes no result. At least the longest trajectory and one more.',
  }),
  ...adamSettings,
  ...memorySettings,
})
export type ArcherConfig = z.output<typeof archerConfig>

/** Every metric and what it means. Those of the actor are reported once it learns. */
export const archerMetricMeanings = {
  loss: 'Sum of the four critics’ losses, mean over the iteration’s updates.',
  'q1.loss': 'Mean squared error of Q1 against r + γ V1 of the next observation by the target critic.',
  'q2.loss': 'The same of Q2.',
  'v1.loss': 'Mean squared error of V1 against target Q1 of a freshly sampled action.',
  'v2.loss': 'The same of V2.',
  'q1.mean': 'Mean Q1 of the replayed utterances.',
  'q2.mean': 'Mean Q2 of the replayed utterances.',
  'v1.mean': 'Mean V1 of their observations.',
  'v2.mean': 'Mean V2 of their observations.',
  'target_q1.mean':
    'Mean target Q1 of the freshly sampled actions. Above q1.mean: the policy now is believed better than what was replayed.',
  'target_q2.mean': 'The same of target Q2.',
  'q1.explained_variance':
    'Share of the variance of the Monte-Carlo returns of the replayed utterances that Q1 explains: 1 all, 0 none, below 0 worse than their mean. Replayed returns are those of older policies, so 1 is not to be expected.',
  'critic/grad_norm':
    'Global gradient norm of the critics before clipping at the last update; −1 when it was not finite and the update was skipped.',
  'critic/learning_rate': 'Learning rate of the critics’ last update.',
  'pg.loss':
    'Policy-gradient loss of the actor, mean over the iteration’s updates: −A log π, summed over an utterance’s tokens. Its value says little; its gradient does.',
  'advantages.mean':
    'Mean advantage min(Q1, Q2) − min(V1, V2) of the sampled actions. Far from 0 the critics are not done: lengthen warmup_iter or epochs.',
  'advantages.std': 'Standard deviation of these advantages: how much the critics tell actions apart.',
  'values.loss': 'Mean squared error of the token-level baseline against the advantage; with use_baseline.',
  'values.mean': 'Mean of the token-level baseline; with use_baseline.',
  'residual_advantages.mean': 'Mean of what is left of the advantage; with use_baseline.',
  entropy: 'Mean entropy of π over the vocabulary at the sampled tokens, in nats.',
  logp: 'Mean log π of the sampled tokens, in nats.',
  'actions/mean_length': 'Mean tokens of the actions sampled for the actor.',
  'actions/clipped_ratio': 'Share of them that max_response_len ended.',
  grad_norm: 'Global gradient norm of the actor before clipping at the last update; −1 when it was not finite and the update was skipped.',
  learning_rate: 'Learning rate of the actor’s last update.',
  'rollout.mean': 'Mean sum of step rewards of the trajectories that came in; online.',
  'rollout.max': 'Largest such sum.',
  'rollout.min': 'Smallest such sum.',
  'rollout.reward.mean': 'Mean reward of an utterance that came in; online.',
  'replay/size': 'Utterances in the replay buffer.',
  num_tokens: 'Tokens sampled, encoded behind their observations and trained on since the start.',
} as const
