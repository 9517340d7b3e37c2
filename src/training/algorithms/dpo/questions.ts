/** Frequent questions about the metrics of DPO, with answers. */
import { optimizerQuestions } from '../../policy/metricQuestions'
import type { MetricQuestion } from '../../policy/metricQuestions'

export const dpoQuestions: Readonly<Record<string, MetricQuestion>> = {
  ...optimizerQuestions,
  loss: {
    question: 'Why does the loss start at 0.6931?',
    answer: 'It is ln 2. At the first update policy and reference are the same, so the margin of every pair is 0.',
  },
  'rewards/accuracies': {
    question: 'Why does it start at 0?',
    answer: 'At the first update policy and reference are the same. Both rewards are then 0, and a tie does not count as correct.',
  },
  'logps/chosen': {
    question: 'Is it bad that it falls?',
    answer:
      'This is a known weakness of DPO: margins can rise while the chosen answers become less likely too. A small decrease is common. If it continues, raise beta or stop earlier.',
  },
}
