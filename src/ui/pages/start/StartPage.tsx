/** The first screen: what this is, one button, three other ways in, and what was done before. */
import { Anchor, Group, Stack, Text, Title } from '@mantine/core'
import { Link } from 'wouter'
import { hrefs } from '../../navigation/hrefs'
import { useGpu } from '../../stores/studio'
import { RunRows } from '../../train/RunRows'
import { NoGpu, WatchRecordedRun } from '../../widgets/NoGpu'
import { Panel } from '../../widgets/Panel'
import { Term } from '../../widgets/Term'
import classes from './start.module.css'
import { StartButton } from './StartButton'

function TimeNote() {
  const gpu = useGpu()
  if (gpu?.state !== 'ready') return null
  return (
    <Text size="xs" c="dimmed" maw={640}>
      {gpu.adapter.isSoftware
        ? 'No GPU found: a small run on the processor, about a minute, measured on thirty questions only.'
        : 'The time is an estimate; a one-second probe at the start picks the size of the run.'}
    </Text>
  )
}

export default function StartPage() {
  return (
    <Stack gap={16}>
      <div className={classes.hero}>
        <Stack gap={12}>
          <Title order={1}>Train a tool-using language model in this tab.</Title>
          <p className={classes.sub} style={{ margin: 0 }}>
            A 1-million-parameter model answers an exam with tools, every step of its practice is scored, it learns, and it sits the exam
            again. Nothing leaves this computer.
          </p>
          <Group gap={8}>
            <StartButton />
            <WatchRecordedRun />
          </Group>
          <TimeNote />
          <Text size="xs" c="dimmed" hiddenFrom="sm">
            Training wants a desktop; labels and results read well here.
          </Text>
        </Stack>
        <ol className={classes.phases} aria-label="What happens">
          <li>
            <span className={classes.number}>1</span>
            <span>The model sits the exam</span>
            <Term of="exam">exam</Term>
          </li>
          <li>
            <span className={classes.number}>2</span>
            <span>It practises; every step is scored</span>
            <Term of="practice">practice</Term>
          </li>
          <li>
            <span className={classes.number}>3</span>
            <span>The scores train its adapter</span>
            <Term of="practice">practice</Term>
          </li>
          <li>
            <span className={classes.number}>4</span>
            <span>It sits the same exam again</span>
            <Term of="exam">exam</Term>
          </li>
        </ol>
      </div>
      <NoGpu>
        <Text maw={720}>Training needs WebGPU. Reading results and labelling work without it: the recorded run fills those pages.</Text>
      </NoGpu>
      <nav className={classes.ways} aria-label="Other ways to begin">
        <Link className={classes.way ?? ''} href={hrefs.models()}>
          <strong>Use my model</strong>
          <span>A Hugging Face folder: Llama, Qwen2, Qwen2.5 or Qwen3</span>
        </Link>
        <Link className={classes.way ?? ''} href={hrefs.data()}>
          <strong>Open my CSV</strong>
          <span>Trajectories with step rewards, or any of the formats on Data</span>
        </Link>
        <Link className={classes.way ?? ''} href={hrefs.evaluate({ tab: 'published' })}>
          <strong>Read a published result</strong>
          <span>What a paper’s table says, and what its files give</span>
        </Link>
      </nav>
      <Panel
        title="Recent runs"
        flush
        aside={
          <Anchor component={Link} href={hrefs.train()} size="xs">
            All runs
          </Anchor>
        }
      >
        <RunRows limit={8} />
      </Panel>
    </Stack>
  )
}
