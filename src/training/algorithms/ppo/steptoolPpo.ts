/** Step-grained PPO, as the catalogue knows it. */
import { defineAlgorithm } from '../../algorithm'
import { tokenizeTrajectory } from '../../batches/tokenizedTrajectory'
import { ppoSequenceOptions, steptoolPpoConfig } from './config'
import { firstBatches, ppoLimits, ppoMask, ppoNotes, ppoParts, ppoSource, ppoStoryDefaults } from './descriptionParts'
import { runSteptoolPpo } from './loop'
import { ppoMemory } from './memory'
import { ppoMetricMeanings } from './metrics'
import { steptoolPpoInterop } from './interop'

export const steptoolPpo = defineAlgorithm({
  ...ppoParts,
  name: 'steptool-ppo',
  title: 'Step-grained PPO (StepTool)',
  paper: 'Yu 2024, StepTool, arXiv:2410.07745; Schulman 2017, arXiv:1707.06347',
  help: 'StepTool rewards every step of a trajectory, not just its end, and improves the policy by clipped PPO with a KL penalty to a frozen reference.',
  colour: 2,
  config: steptoolPpoConfig,
  metrics: ppoMetricMeanings,
  storyDefaults: (scale) => ({ ...ppoStoryDefaults(scale), center_step_rewards: true }),
  tokenization: (config) => {
    const options = ppoSequenceOptions(config)
    return {
      tokenize: ({ trajectory, rewards }, codec) => tokenizeTrajectory(trajectory, rewards, codec, options),
      limits: ppoLimits(config),
    }
  },
  checkData: () => null,
  preflight: { mask: (config) => ppoMask(config.unlabelled_steps), rewards: 'steps' },
  memory: (config, { model, data, expectedRollouts, steps, seed, device, isContinued, tokenize }) => {
    const batches = data ? firstBatches(tokenize(data), config, steps, seed) : expectedRollouts(config.batch_size, steps)
    return ppoMemory(model.config, config, batches, seed, device, isContinued)
  },
  notes: (config) => [
    config.step_reward_weighting === 'released'
      ? 'Step rewards are multiplied by n − i − 1 as in StepTool’s released code, so that the final step counts nothing (step_reward_weighting: released).'
      : 'Every step’s reward counts once, as in the paper (step_reward_weighting: paper).',
    config.center_step_rewards
      ? 'The batch’s mean step reward is subtracted from each reward, so that an extra step earns nothing by itself (center_step_rewards: true).'
      : 'Rewards are not centred: if all are positive, every extra step earns a reward, whatever it does (center_step_rewards: false).',
    ...ppoNotes(config),
  ],
  interop: steptoolPpoInterop,
  train: async (context, config, feed) =>
    (await runSteptoolPpo(context, config, ppoSource(feed, config, context.seed, feed.tokenize))).policy,
})
