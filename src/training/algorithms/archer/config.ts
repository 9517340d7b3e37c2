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
    help: 'This sets the peak learning rate of the actor (lm_lr in ArCHer’s code). 2e-6 suits 7B models; an adapter on a small model needs 1e-4 or more.',
    essential: true,
  }),
  critic_lr: z.number().positive().default(1e-5).meta({
    group: 'Optimizer',
    small: 1e-3,
    help: 'This sets the peak learning rate of the critics. 1e-5 suits thousands of updates, 1e-3 a short run.',
    essential: true,
  }),
  max_steps: z.int().positive().default(100).meta({
    group: 'Length and batches',
    help: 'The run ends after this many iterations. In each, rollouts are collected, then the critics are trained, then the actor.',
    essential: true,
  }),
  rollout_size: z.int().positive().default(16).meta({
    group: 'Length and batches',
    small: 64,
    help: 'This sets the number of trajectories that an online run samples in each iteration.',
    essential: true,
  }),
  batch_size: z
    .int()
    .positive()
    .default(4)
    .meta({ group: 'Length and batches', small: 8, help: 'This sets the number of utterances in a batch, whose loss is averaged.' }),
  gradient_accumulation_steps: z.int().positive().default(8).meta({
    group: 'Length and batches',
    small: 4,
    help: 'This sets the number of batches whose gradients make one update of the critics or of the actor.',
  }),
  epochs: z
    .int()
    .positive()
    .default(20)
    .meta({ group: 'Length and batches', help: 'This sets the number of updates of the critics in each iteration.', essential: true }),
  actor_epochs: z
    .int()
    .positive()
    .default(1)
    .meta({ group: 'Length and batches', help: 'This sets the number of updates of the actor in each iteration.', essential: true }),
  warmup_iter: z.int().nonnegative().default(10).meta({
    group: 'Length and batches',
    help: 'This sets the number of first iterations in which only the critics learn. Untrained critics give the actor no useful gradient.',
    essential: true,
  }),
  capacity: z.int().positive().default(100_000).meta({
    group: 'Length and batches',
    help: 'The replay buffer stores at most this many utterances; when it is full, the oldest are dropped.',
  }),
  gamma: z.number().min(0).max(1).default(0.95).meta({
    group: 'Reward and advantage',
    help: 'This sets how much the value of the next utterance counts (discount). A smaller value makes the critics more short-sighted.',
    essential: true,
  }),
  tau: z.number().gt(0).max(1).default(0.1).meta({
    group: 'Value head and critics',
    help: 'After each update the target critics move towards the critics by this fraction. A larger value follows faster and is less stable.',
  }),
  max_grad_norm: z.number().nonnegative().default(10).meta({
    group: 'Optimizer',
    help: 'The gradients of the critics and those of the actor are each scaled down until their global norm is at most this; 0 turns clipping off.',
  }),
  accumulation_reduction: z.enum(['mean', 'sum']).default('mean').meta({
    group: 'Optimizer',
    help: 'This sets how the losses of an update’s batches are combined: mean averages them, sum adds them as ArCHer’s code does. Sums reach max_grad_norm sooner.',
  }),
  fresh_actions: z.enum(['every_iteration', 'every_draw']).default('every_iteration').meta({
    group: 'Value head and critics',
    help: 'This sets when the actions are sampled that the target Q evaluates. every_iteration samples one per observation and iteration. every_draw samples a new one each time an utterance is drawn, as ArCHer’s code does: this is less noisy, but generates many times as much.',
  }),
  use_baseline: z.boolean().default(false).meta({
    group: 'Value head and critics',
    help: 'If on, a value head predicts the advantage at each token, and its prediction is subtracted to reduce variance.',
  }),
  critic_hidden_size: z.int().positive().nullable().default(null).meta({
    group: 'Value head and critics',
    help: 'This sets the width of the critics’ two hidden layers. If empty, it is the model’s hidden size.',
  }),
  temperature: z.number().positive().default(1).meta({
    group: 'Sequences',
    help: 'This sets the temperature at which actions are sampled. Log-probabilities are always computed at 1, so any other value biases the gradient.',
  }),
  unlabelled_steps: z.enum(UNLABELLED_STEPS).default('leave_out').meta({
    group: 'Reward and advantage',
    help: 'This sets how utterances without a label are treated. leave_out does not replay them; no_score replays them with reward 0.',
  }),
  lr_scheduler_type: z
    .enum(SCHEDULES)
    .default('constant')
    .meta({ group: 'Optimizer', help: 'This sets how the actor’s learning rate changes after warm-up.' }),
  warmup_steps: z
    .int()
    .nonnegative()
    .default(0)
    .meta({ group: 'Optimizer', help: 'This sets the number of updates of the actor over which its learning rate rises from 0.' }),
  critic_lr_scheduler_type: z
    .enum(SCHEDULES)
    .default('constant')
    .meta({ group: 'Optimizer', help: 'This sets how the critics’ learning rate changes after warm-up.' }),
  critic_warmup_steps: z
    .int()
    .nonnegative()
    .default(0)
    .meta({ group: 'Optimizer', help: 'This sets the number of updates of the critics over which their learning rate rises from 0.' }),
  weight_decay: z.number().nonnegative().default(0).meta({
    group: 'Optimizer',
    help: 'This sets how much AdamW shrinks matrices of critics and actor at each update, apart from the gradient (decoupled weight decay).',
  }),
  ...adapterSettings(8),
  ...sequenceSettings({ context: 4096, essential: false }),
  max_response_len: z.int().positive().default(256).meta({
    group: 'Sequences',
    help: 'A sampled action has at most this many tokens (max_new_tokens), and at most this many tokens of a final response are used.',
  }),
  max_tokens_per_micro_batch: z.int().min(32).default(5120).meta({
    group: 'Memory',
    help: 'At most this many tokens are processed at once. A smaller value takes less memory and gives the same result. The longest trajectory and one more token must fit.',
  }),
  ...adamSettings,
  ...memorySettings,
})
export type ArcherConfig = z.output<typeof archerConfig>

/** Every metric and its meaning. The metrics of the actor are reported once it learns. */
export const archerMetricMeanings = {
  loss: 'This is the sum of the four critics’ losses, averaged over the iteration’s updates.',
  'q1.loss': 'This is the mean squared error of Q1 against r + γ V1, where the target critic gives V1 of the next observation.',
  'q2.loss': 'This is the same for Q2 and V2.',
  'v1.loss': 'This is the mean squared error of V1 against the target critic’s Q1 of a freshly sampled action.',
  'v2.loss': 'This is the same for V2 and Q2.',
  'q1.mean': 'This is the mean of Q1 over the replayed utterances.',
  'q2.mean': 'This is the mean of Q2 over the replayed utterances.',
  'v1.mean': 'This is the mean of V1 over the observations of the replayed utterances.',
  'v2.mean': 'This is the mean of V2 over the observations of the replayed utterances.',
  'target_q1.mean':
    'This is the mean of the target critic’s Q1 over the freshly sampled actions. If it is above q1.mean, the critic expects more of the current policy than of the replayed actions.',
  'target_q2.mean': 'This is the same for the target critic’s Q2.',
  'q1.explained_variance':
    'This is the fraction of the variance of the replayed Monte-Carlo returns that Q1 explains. 1 means all of it, 0 none, and below 0 means that the mean would predict better. Replayed returns come from older policies, so it rarely reaches 1.',
  'critic/grad_norm':
    'This is the global gradient norm of the critics before clipping, at the last update. It is −1 if a gradient was not finite and the update was skipped.',
  'critic/skipped_updates': 'This counts the updates of the critics that were skipped since the start because a gradient was not finite.',
  'critic/learning_rate': 'This is the learning rate of the critics’ last update.',
  'pg.loss':
    'This is the policy-gradient loss of the actor: −A log π summed over an utterance’s tokens, averaged over the iteration’s updates. Its value does not show progress; watch the rewards instead.',
  'advantages.mean':
    'This is the mean advantage min(Q1, Q2) − min(V1, V2) of the sampled actions. If it is far from 0, the critics need more training: raise warmup_iter or epochs.',
  'advantages.std': 'This is the standard deviation of these advantages. It shows how strongly the critics distinguish actions.',
  'values.loss': 'This is the mean squared error of the token-level baseline against the advantage. It is reported with use_baseline.',
  'values.mean': 'This is the mean of the token-level baseline. It is reported with use_baseline.',
  'residual_advantages.mean': 'This is the mean of the advantage minus the token-level baseline. It is reported with use_baseline.',
  entropy: 'This is the mean entropy of π over the vocabulary at the sampled tokens, in nats.',
  logp: 'This is the mean log π of the sampled tokens, in nats.',
  'actions/mean_length': 'This is the mean length, in tokens, of the actions sampled for the actor.',
  'actions/clipped_ratio': 'This is the fraction of these actions that max_response_len cut off.',
  grad_norm:
    'This is the global gradient norm of the actor before clipping, at the last update. It is −1 if a gradient was not finite and the update was skipped.',
  skipped_updates: 'This counts the updates of the actor that were skipped since the start because a gradient was not finite.',
  learning_rate: 'This is the learning rate of the actor’s last update.',
  'rollout.mean': 'This is the mean over new trajectories of the sum of their step rewards. It is reported by online runs.',
  'rollout.max': 'This is the largest sum of step rewards of a new trajectory.',
  'rollout.min': 'This is the smallest sum of step rewards of a new trajectory.',
  'rollout.reward.mean': 'This is the mean reward of the new utterances. It is reported by online runs.',
  'replay/size': 'This is the number of utterances in the replay buffer.',
  num_tokens: 'This counts the tokens that were sampled, encoded for the critics and trained on since the start.',
} as const
