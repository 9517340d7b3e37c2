/** GRPO, as the catalogue knows it. */
import { defineAlgorithm } from '../../algorithm'
import { grpoConfig } from './config'
import {
  groupHalvable,
  groupMask,
  groupSizes,
  groupSource,
  groupStoryDefaults,
  groupTokenization,
  learnsFromRollouts,
} from './descriptionParts'
import { grpoTrainable, runGrpo } from './loop'
import { grpoMemory } from './memory'
import { grpoMetricMeanings } from './metrics'
import { grpoQuestions } from './questions'
import { grpoInterop } from './interop'

export const grpo = defineAlgorithm({
  name: 'grpo',
  title: 'GRPO',
  paper: 'Shao 2024, arXiv:2402.03300; DAPO arXiv:2503.14476, Dr. GRPO arXiv:2503.20783, GSPO arXiv:2507.18071',
  help: 'GRPO makes several attempts at each query and moves the policy towards the better ones of each group. It needs no value head.',
  colour: 3,
  config: grpoConfig,
  metrics: grpoMetricMeanings,
  metricQuestions: grpoQuestions,
  alarmsOff: [],
  learnsFrom: ['rollouts'],
  usesReference: true,
  sizes: groupSizes,
  storyDefaults: (scale) => ({ ...groupStoryDefaults(scale), advantage_level: 'step' as const }),
  trainable: (config, isContinued) => grpoTrainable(config, isContinued),
  tokenization: groupTokenization,
  checkData: () => learnsFromRollouts('GRPO'),
  preflight: { mask: () => groupMask, rewards: 'outcome' },
  memory: (config, { model, expectedRollouts, steps, seed, device, isContinued }) =>
    grpoMemory(model.config, config, expectedRollouts(config.generation_batch_size, steps), seed, device, isContinued),
  notes: (config) => [
    config.advantage_level === 'step'
      ? 'Each step is compared with the steps of its group (advantage_level: step).'
      : `Each attempt is compared with its group by ${config.reward === 'outcome' ? 'its final step’s reward' : `its ${config.reward}`}.`,
    ...(config.num_iterations * config.steps_per_generation === 1
      ? ['Each batch makes one update, so the ratio is always 1, the loss stays near 0 and nothing is clipped. The gradient is not 0.']
      : []),
  ],
  halvable: groupHalvable,
  interop: grpoInterop,
  train: async (context, config, feed) => {
    if (feed.data) throw new Error(learnsFromRollouts('GRPO'))
    return (
      await runGrpo(
        context,
        config,
        groupSource(feed, (sample) => sample),
      )
    ).policy
  },
})
