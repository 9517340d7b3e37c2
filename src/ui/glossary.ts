/** The one glossary: tooltips, forms and command-line help read it. Keys are lower case. */
export interface GlossaryEntry {
  readonly title: string
  readonly text: string
}

export const glossary = {
  advantage: {
    title: 'Advantage',
    text: 'How much better a token turned out than the value head expected. Positive: the token is made more likely; negative: less.',
  },
  'whitened advantage': {
    title: 'Whitened advantage',
    text: 'The advantage minus the batch mean, divided by its standard deviation. This is what the loss multiplies.',
  },
  adapter: { title: 'LoRA adapter', text: 'The small set of LoRA matrices that training changes. The base model stays as it was.' },
  'gpu adapter': {
    title: 'GPU adapter',
    text: 'What WebGPU calls the device it computes on: a graphics card, or software on the processor.',
  },
  baseline: { title: 'Baseline', text: 'The model before training, asked the same questions.' },
  'call budget': {
    title: 'Call budget',
    text: 'The most tool calls one question may use. Results with different budgets are not compared.',
  },
  calls: { title: 'Calls', text: 'Tool calls made for one question.' },
  clipfrac: {
    title: 'Clip fraction',
    text: 'Share of tokens whose probability ratio left the clip range, so that they gave no gradient in this update.',
  },
  contribution: { title: 'Contribution', text: 'How much a step helped the final answer, 0 to 5.' },
  entropy: {
    title: 'Entropy',
    text: 'How undecided the model is about the next token, in nats. Falling fast towards zero means it stops exploring.',
  },
  exam: {
    title: 'Exam',
    text: 'Questions that are never trained on and share no entity with practice. Before and After are measured here.',
  },
  flips: { title: 'Flips', text: 'Questions whose status changed between Before and After, in either direction.' },
  interval: {
    title: '95% interval',
    text: 'Where the true rate plausibly lies, given this many questions. For a rate: Wilson. For a difference: paired over the same questions.',
  },
  judge: {
    title: 'Judge',
    text: 'What decides whether an answer solves its question: the tool world’s own check, a rule, or a language model.',
  },
  kl: { title: 'KL', text: 'How far the trained policy has moved from the model it started as, in nats. The reward pays for it.' },
  'largest binding': {
    title: 'Largest binding',
    text: 'The largest single buffer the plan binds at once. WebGPU limits it; bigger tensors are split.',
  },
  'learning rate': { title: 'Learning rate', text: 'Size of one optimizer step.' },
  lora: { title: 'LoRA', text: 'Low-rank adaptation: training changes two thin matrices beside each frozen weight instead of the weight.' },
  'loss mask': {
    title: 'Loss mask',
    text: 'Which tokens carry loss. Only what the model wrote does; questions and tool replies never do.',
  },
  loss: { title: 'Loss', text: 'What the optimizer lowers. For policy methods it says little about progress: look at the reward.' },
  n: { title: 'n', text: 'How many questions stand behind the number.' },
  'pass rate': { title: 'Pass rate', text: 'Share of questions whose answer was judged solved.' },
  policy: { title: 'Policy', text: 'The model as an actor: what it would write next, given what it has read.' },
  ppo: { title: 'PPO', text: 'Proximal policy optimization: several careful steps on each batch, with the change in probability clipped.' },
  dtype: {
    title: 'dtype',
    text: 'How the frozen weights of the base are stored on the GPU. f32 is exact; bf16 and f16 halve the memory; int8 and int4 store groups of 32 with a scale (QLoRA). What is trained is always f32.',
  },
  'kv dtype': {
    title: 'KV cache',
    text: 'How generation stores keys and values of past tokens. f16 takes half the memory of f32; training then rounds its own alike, so that both score a token the same.',
  },
  'pre-flight': {
    title: 'Pre-flight',
    text: 'Checks of settings, model and data before anything is computed. They find what would end the run or would not do what you expect.',
  },
  practice: { title: 'Practice', text: 'Questions the model tries, is rewarded on, and is trained on. Disjoint from the exam.' },
  ratio: {
    title: 'Probability ratio',
    text: 'Probability of a token under the policy now, divided by what it was when the token was sampled.',
  },
  recall: { title: 'Recall', text: 'Share of the tools the question needed that were called.' },
  reward: {
    title: 'Reward',
    text: 'What a step earned, 0 to 1. From a person: (success + contribution ÷ 5) ÷ 2; on the last step Solved 1, Unsure ½, Unsolved 0.',
  },
  rollout: { title: 'Rollout', text: 'One attempt at a question, from the question to the final answer.' },
  seed: { title: 'Seed', text: 'The number all randomness follows from. The same seed, GPU, driver and build give the same bits.' },
  software: { title: 'Software GPU adapter', text: 'WebGPU running on the processor. Everything works; it is slower.' },
  'step reward': {
    title: 'Step reward',
    text: 'A reward for each step, not only for the final answer, so that a wasted call earns less than a useful one.',
  },
  success: { title: 'Success', text: 'Whether the tool call itself worked: 1 or 0.' },
  solved: { title: 'Solved', text: 'The answer holds everything the question asked for.' },
  unsure: { title: 'Unsure', text: 'The answer holds some of it, or cannot be decided.' },
  unsolved: { title: 'Unsolved', text: 'The answer is wrong, missing, or the model gave up.' },
  strategy: {
    title: 'Strategy',
    text: 'How the model works: cot is one chain of steps, dfsdt a tree that can back up, trial tries the tools before it solves the task.',
  },
  'call format': {
    title: 'Call format',
    text: 'How a model writes calls of tools and reads their replies. Its chat template teaches one; in another, the system message teaches it in our own words.',
  },
  trajectory: { title: 'Trajectory', text: 'A question, every step taken, and what came back.' },
  value: { title: 'Value', text: 'The value head’s guess of the reward still to come.' },
  'value head': {
    title: 'Value head',
    text: 'A small trained layer that guesses the reward still to come; the advantage is measured against it.',
  },
  'win rate': { title: 'Win rate', text: 'Of two results on the same question the better status wins; equal counts one half.' },
  world: { title: 'Tool world', text: 'A seeded, closed set of tools, data and questions with answers that can be checked exactly.' },
  'memory estimate': {
    title: 'Memory estimate',
    text: 'The plan’s exact peak bytes, known before anything is allocated. WebGPU does not say how much the GPU has: the verdict is against a budget.',
  },
  smoothing: { title: 'Smoothing', text: 'Exponential moving average, bias-corrected. The unsmoothed line stays visible behind it.' },
  decimated: {
    title: 'Thinned',
    text: 'More points than pixels: each bucket keeps its smallest and largest value, so spikes stay visible.',
  },
  paired: {
    title: 'Paired difference',
    text: 'Both models answered the same questions, so luck of the draw cancels; the interval is over those pairs.',
  },
} as const satisfies Readonly<Record<string, GlossaryEntry>>

export type GlossaryTerm = keyof typeof glossary
