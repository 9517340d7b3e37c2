/** ArCHer's critics and loss beside torch. No library trains it, so its adapter is only left for peft to load. Golden: test/golden/archer.py. */
import type { AlgorithmParity } from '../../parity'
import { runArcher } from './loop'
import { archer } from './algorithm'
import { archerQuantities } from './vectors'

const SETTINGS = {
  ...{ learning_rate: 5e-2, critic_lr: 1e-2, batch_size: 4, gradient_accumulation_steps: 1, epochs: 3, warmup_iter: 1 },
  ...{ lora_r: 4, lora_alpha: 8, max_response_len: 4, critic_hidden_size: 16 },
}

export const archerParity: AlgorithmParity = {
  vectors: [archerQuantities],
  trainAlone: async ({ sequences, start }) => {
    const { context } = await start({})
    const source = { isFresh: false, next: () => Promise.resolve(sequences) }
    const { policy } = await runArcher({ ...context, checkpoints: null }, archer.config.parse(SETTINGS), source)
    return policy
  },
}
