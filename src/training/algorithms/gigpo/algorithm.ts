/** GiGPO, as the catalogue knows it: GRPO's loop with advantages at two levels. */
import { defineAlgorithm } from '../../algorithm'
import { grpo } from '../grpo/algorithm'
import {
  groupHalvable,
  groupMask,
  groupSizes,
  groupSource,
  groupStoryDefaults,
  groupTokenization,
  learnsFromRollouts,
} from '../grpo/descriptionParts'
import { grpoTrainable, runGrpo } from '../grpo/loop'
import { grpoMemory } from '../grpo/memory'
import { grpoMetricMeanings } from '../grpo/metrics'
import { gigpoAdvantages, type GigpoSample } from './advantages'
import { gigpoConfig, grpoLoopConfig } from './config'
import { anchorStates } from './states'

export const gigpo = defineAlgorithm({
  name: 'gigpo',
  title: 'GiGPO',
  paper: 'Feng 2025, arXiv:2505.10978',
  help: 'GiGPO compares whole attempts at a query, as GRPO does, and also the steps that were taken in the same state. It needs no value head.',
  colour: 8,
  config: gigpoConfig,
  metrics: {
    ...grpoMetricMeanings,
    frac_reward_zero_std:
      'This is the fraction of groups in which neither attempts nor steps taken in the same state differ in reward, so that nothing is learnt from them.',
    'gigpo/compared_steps':
      'This is the fraction of steps for which another step of the group was taken in the same state. At 0 the algorithm is the same as GRPO.',
    'gigpo/state_group_size': 'This is the mean number of steps that were taken in the same state.',
  },
  metricQuestions: grpo.metricQuestions,
  alarmsOff: [],
  learnsFrom: ['rollouts'],
  usesReference: true,
  sizes: groupSizes,
  storyDefaults: groupStoryDefaults,
  trainable: (config, isContinued) => grpoTrainable(grpoLoopConfig(config), isContinued),
  tokenization: groupTokenization,
  checkData: () => learnsFromRollouts('GiGPO'),
  preflight: { mask: () => groupMask, rewards: 'steps' },
  memory: (config, { model, expectedRollouts, steps, seed, device, isContinued }) =>
    grpoMemory(model.config, grpoLoopConfig(config), expectedRollouts(config.generation_batch_size, steps), seed, device, isContinued),
  notes: (config) => [
    `Steps taken in the same state are compared with weight ${config.step_advantage_w} (step_advantage_w); a state is the ${config.anchor_state === 'history' ? 'whole history' : 'newest observation'} (anchor_state: ${config.anchor_state}).`,
    'A step whose state occurs only once has a step-level advantage of 0, as in the paper.',
  ],
  halvable: groupHalvable,
  // Neither TRL nor verl has it.
  interop: {},
  train: async (context, config, feed) => {
    if (feed.data) throw new Error(learnsFromRollouts('GiGPO'))
    const source = groupSource<GigpoSample>(feed, (sample, { trajectory }) => ({
      ...sample,
      states: anchorStates(trajectory, config.anchor_state),
    }))
    return (await runGrpo(context, grpoLoopConfig(config), source, gigpoAdvantages(config))).policy
  },
})
