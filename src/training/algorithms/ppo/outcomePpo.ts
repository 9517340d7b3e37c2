/** PPO on the outcome, as the catalogue knows it. */
import { defineAlgorithm } from '../../algorithm'
import type { LabelledTrajectory } from '../../batches/labelledTrajectory'
import { ppoConfig } from './config'
import { firstBatches, ppoLimits, ppoMask, ppoNotes, ppoParts, ppoSource, ppoStoryDefaults } from './descriptionParts'
import { ppoMemory } from './memory'
import { ppoMetricMeanings } from './metrics'
import { noOutcomeSentence, outcomeNote, outcomeSequence, runPpo, stepGrained } from './outcome'
import { outcomePpoInterop } from './interop'

export const ppo = defineAlgorithm({
  ...ppoParts,
  name: 'ppo',
  title: 'PPO on the outcome',
  paper: 'Schulman 2017, arXiv:1707.06347; Ouyang 2022, arXiv:2203.02155',
  help: 'Rewards a trajectory for how it ended, and leaves it to the value head which steps earned it.',
  colour: 1,
  config: ppoConfig,
  metrics: {
    ...ppoMetricMeanings,
    'ppo/mean_scores': 'Mean outcome of the trajectories: 1 solved, 0 unsolved.',
    'ppo/std_scores': 'Standard deviation of the outcomes (n − 1).',
    'env/reward_mean': 'The same as ppo/mean_scores.',
    'env/reward_std': 'The same as ppo/std_scores.',
    'steps/unlabelled': 'Steps of trajectories without an outcome: they are not trained.',
  },
  storyDefaults: ppoStoryDefaults,
  tokenization: (config) => ({
    tokenize: ({ trajectory, rewards }, codec) => outcomeSequence(trajectory, rewards, codec, config),
    limits: ppoLimits(config),
  }),
  checkData: (config, { labelled, tokenize }) => noOutcomeSentence(tokenize(labelled), config),
  // An outcome that is missing is said by `checkData`; what the mask says is which completions were cut away.
  preflight: { mask: () => ppoMask('no_score'), rewards: 'outcome' },
  memory: (config, { model, data, expectedRollouts, steps, seed, device, isContinued, tokenize }) => {
    const batches = data ? firstBatches(tokenize(data), config, steps, seed) : expectedRollouts(config.batch_size, steps)
    // Data may be judged after the estimate: every trajectory counts.
    return ppoMemory(model.config, { ...stepGrained(config), unlabelled_steps: 'no_score' }, batches, seed, device, isContinued)
  },
  notes: (config) => [
    config.reward === 'status'
      ? 'The trajectory’s status is the only reward, at its last token (reward: status).'
      : 'The final step’s label is the only reward, at its last token (reward: final_step).',
    ...ppoNotes(config),
    ...(config.literal_text_bug
      ? ['Prompts and completions are written as two Python lists, as in StepTool’s released baseline (literal_text_bug).']
      : []),
  ],
  interop: outcomePpoInterop,
  train: async (context, config, feed) => {
    const build = (labelled: readonly LabelledTrajectory[], since?: string) => {
      const sequences = feed.tokenize(labelled, since)
      const problem = noOutcomeSentence(sequences, config)
      if (problem !== null) throw new Error(problem)
      const note = outcomeNote(sequences)
      if (note !== null) feed.onNote(note)
      return sequences
    }
    return (await runPpo(context, config, ppoSource(feed, config, context.seed, build))).policy
  },
})
