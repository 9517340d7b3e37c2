/** The keys of the labelling page: two seconds a step. */
import { keyTarget, ownsEnter } from '../navigation/keyTargets'
import { usePageKeys, type PageKey } from '../navigation/pageKeys'

export interface LabelActions {
  readonly step: (by: number) => void
  readonly trajectory: (by: number) => void
  /** A key that stands for a judgement. */
  readonly judge: (key: string) => void
  readonly accept: () => void
  readonly acceptRest: () => void
  readonly firstError: () => void
  readonly undo: () => void
  readonly repeat: () => void
  readonly compare: () => void
  readonly askJudge: () => void
  readonly train: () => void
  readonly search: () => void
}

const JUDGEMENTS: readonly (readonly [string, string])[] = [
  ['1', 'success: yes'],
  ['0', 'success: no'],
  ['q', 'contribution 0'],
  ['w', 'contribution 1'],
  ['e', 'contribution 2'],
  ['r', 'contribution 3'],
  ['t', 'contribution 4'],
  ['y', 'contribution 5'],
  ['2', 'contribution 2'],
  ['3', 'contribution 3'],
  ['4', 'contribution 4'],
  ['5', 'contribution 5'],
  ['s', 'answer: Solved'],
  ['u', 'answer: Unsure'],
  ['n', 'answer: Unsolved'],
]

export function useLabelKeys(actions: LabelActions): void {
  const key = (keys: string, does: string, run: () => void): PageKey => ({ keys, does, run })
  usePageKeys([
    key('j', 'next step', () => actions.step(1)),
    key('k', 'previous step', () => actions.step(-1)),
    key('shift+J', 'next trajectory', () => actions.trajectory(1)),
    key('shift+K', 'previous trajectory', () => actions.trajectory(-1)),
    ...JUDGEMENTS.map(([keys, does]) => key(keys, does, () => actions.judge(keys))),
    {
      keys: 'Enter',
      does: 'accept the first suggestion',
      preventDefault: false,
      run: (event) => {
        const target = keyTarget(event)
        if (target === null || !ownsEnter(target)) actions.accept()
      },
    },
    key('shift+Enter', 'accept the first suggestion of every remaining step', actions.acceptRest),
    key('x', 'first error: this and all later steps failed', actions.firstError),
    key('z', 'undo', actions.undo),
    key('.', 'repeat the last label here', actions.repeat),
    key('d', 'compare with other attempts at this question', actions.compare),
    key('g', 'ask a judge', actions.askJudge),
    key('shift+T', 'train on this', actions.train),
    key('/', 'filter the queue', actions.search),
  ])
}
