/** The longest files of end-to-end tests begin first: the last one of two that run at once would otherwise run alone for a minute. */
import { BaseSequencer, type TestSpecification } from 'vitest/node'

const LONGEST = ['story.e2e', 'models.e2e', 'pages.e2e', 'labels.e2e', 'oddRecords.e2e', 'trainForm.e2e', 'judge.e2e']

export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification): number => {
      const at = LONGEST.findIndex((name) => moduleId.includes(`/${name}.`))
      return at < 0 ? LONGEST.length : at
    }
    return (await super.sort(files)).toSorted((a, b) => place(a) - place(b))
  }
}
