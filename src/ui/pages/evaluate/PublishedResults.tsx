import { Anchor, Stack, Text } from '@mantine/core'
import classes from '../../evaluation/evaluation.module.css'
import { atFourCalls, publishedCells, PUBLISHED_SOURCE, type PublishedCell } from '../../evaluation/publishedResults'

const rateText = (rate: PublishedCell['files']): string =>
  rate === null ? 'a file is missing' : `${rate[0].toFixed(1)} ± ${rate[1].toFixed(1)}`
const agrees = ({ table, files }: PublishedCell): boolean => files !== null && table[0] === files[0] && table[1] === files[1]

/** What a table says and what the files published with it give, cell by cell; and the same at an equal call budget. */
export function PublishedResults() {
  const agreeing = publishedCells.filter(agrees).length
  return (
    <Stack gap={12} data-testid="published">
      <Text maw={720}>
        StepTool’s README of May 2025 gives pass rates on StableToolBench; the judged answers are published with it. {agreeing} of{' '}
        {publishedCells.length} cells follow from these files to the decimal. <Anchor href={PUBLISHED_SOURCE}>The repository</Anchor>
      </Text>
      <div className={classes.scroll} style={{ maxHeight: 420 }} role="region" aria-label="Published pass rates" tabIndex={0}>
        <table className={classes.table} aria-label="Published pass rates">
          <thead>
            <tr>
              <th scope="col">Method</th>
              <th scope="col">Strategy</th>
              <th scope="col">Group</th>
              <th scope="col" className={classes.right}>
                The table, %
              </th>
              <th scope="col" className={classes.right}>
                Its files, %
              </th>
              <th scope="col">The same</th>
            </tr>
          </thead>
          <tbody>
            {publishedCells.map((cell) => (
              <tr key={`${cell.method} ${cell.strategy} ${cell.group}`}>
                <td>{cell.method}</td>
                <td>{cell.strategy}</td>
                <td>{cell.group}</td>
                <td className={classes.num}>{rateText(cell.table)}</td>
                <td className={classes.num}>{rateText(cell.files)}</td>
                <td>{agrees(cell) ? 'yes' : 'no'}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <Text maw={720}>
        No chain of a baseline is longer than 4 calls, while StepTool’s reach 17. Where chains of more than 4 calls count as unsolved, its
        lead with CoT is gone; with DFSDT the count is a lower bound, because a search that is stopped there may still solve the query.
      </Text>
      <div className={classes.scroll} role="region" aria-label="At an equal call budget" tabIndex={0}>
        <table className={classes.table} aria-label="At an equal call budget">
          <thead>
            <tr>
              <th scope="col">Strategy</th>
              <th scope="col">Group</th>
              {['n', 'StepTool, %', 'StepTool at 4 calls, %', 'SFT, %'].map((head) => (
                <th key={head} scope="col" className={classes.right}>
                  {head}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {atFourCalls.map((row) => (
              <tr key={`${row.strategy} ${row.group}`}>
                <td>{row.strategy}</td>
                <td>{row.group}</td>
                {[row.n, row.stepTool.toFixed(1), row.capped.toFixed(1), row.sft.toFixed(1)].map((value, at) => (
                  <td key={at} className={classes.num}>
                    {value}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </Stack>
  )
}
