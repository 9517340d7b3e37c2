/** What people ask about the metrics of DPO, and the answers. */
import { optimizerQuestions } from '../../policy/metricQuestions'
import type { MetricQuestion } from '../../policy/metricQuestions'

export const dpoQuestions: Readonly<Record<string, MetricQuestion>> = {
  ...optimizerQuestions,
  loss: {
    question: 'Why does the loss start at 0.6931?',
    answer: 'It is ln 2: at the first update policy and reference are the same, so that the margin of every pair is 0.',
  },
  'rewards/accuracies': {
    question: 'Why does it start at 0?',
    answer: 'At the first update policy and reference are the same: both rewards are 0, and a tie is not counted as right.',
  },
  'logps/chosen': {
    question: 'Is it bad that it falls?',
    answer:
      'It is DPO’s known failing: margins can rise while the preferred answers too become less likely. A little is common; if it goes on, raise beta or stop earlier.',
  },
}
