/** The longest files of end-to-end tests begin first: the last one of two that run at once would otherwise run alone for a minute. */
import { BaseSequencer, type TestSpecification } from 'vitest/node'

const LONGEST = ['story.e2e', 'trainForm.e2e', 'trainOnCsv.e2e', 'resume.e2e']

export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const isLong = ({ moduleId }: TestSpecification): boolean => LONGEST.some((name) => moduleId.includes(`/${name}.`))
    const sorted = await super.sort(files)
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))]
  }
}
