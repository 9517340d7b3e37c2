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
  help: 'PPO rewards a trajectory for how it ended. Its value head learns which steps earned the reward.',
  colour: 1,
  config: ppoConfig,
  metrics: {
    ...ppoMetricMeanings,
    'ppo/mean_scores': 'This is the mean outcome of the trajectories, where 1 means solved and 0 unsolved.',
    'ppo/std_scores': 'This is the standard deviation of the outcomes (n − 1).',
    'env/reward_mean': 'This is the same as ppo/mean_scores.',
    'env/reward_std': 'This is the same as ppo/std_scores.',
    'steps/unlabelled': 'This is the number of steps of trajectories without an outcome, which are not trained on.',
  },
  storyDefaults: ppoStoryDefaults,
  tokenization: (config) => ({
    tokenize: ({ trajectory, rewards }, codec) => outcomeSequence(trajectory, rewards, codec, config),
    limits: ppoLimits(config),
  }),
  checkData: (config, { labelled, tokenize }) => noOutcomeSentence(tokenize(labelled), config),
  // `checkData` reports missing outcomes. The mask only reports completions that were cut away.
  preflight: { mask: () => ppoMask('no_score'), rewards: 'outcome' },
  memory: (config, { model, data, expectedRollouts, steps, seed, device, isContinued, tokenize }) => {
    const batches = data ? firstBatches(tokenize(data), config, steps, seed) : expectedRollouts(config.batch_size, steps)
    // Data may be judged after the estimate: every trajectory counts.
    return ppoMemory(model.config, { ...stepGrained(config), unlabelled_steps: 'no_score' }, batches, seed, device, isContinued)
  },
  notes: (config) => [
    config.reward === 'status'
      ? 'The trajectory’s status is the only reward; it is given at the last token (reward: status).'
      : 'The final step’s label is the only reward; it is given at the step’s last token (reward: final_step).',
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
