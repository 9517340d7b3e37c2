/** Reward, KL and loss as the run goes. Reward is the hero: the loss alone says little. */
import { Group } from '@mantine/core'
import { memo, useMemo, useState } from 'react'
import { LineChart } from '../charts/LineChart'
import type { Zoom } from '../charts/LineChart'
import { fromOne, type Series } from '../charts/series'
import { glossary } from '../glossary'
import { useMetrics } from '../stores/metricHistory'
import type { MetricView } from '../stores/metricHistory'
import { usePreferences } from '../stores/preferences'
import { useAlgorithm } from '../stores/studio'
import { methodColour } from '../theme'
import { unitOf } from '../train/metricGroups'
import { SmoothingSelect } from '../train/SmoothingSelect'
import { metricFor } from './storyModel'
import classes from './story.module.css'

function seriesOf(metrics: MetricView, name: string | null, colour: string): readonly Series[] {
  const y = name === null ? undefined : metrics.columns[name]
  return name === null || !y ? [] : [{ name, x: fromOne(metrics.step), y, colour }]
}

interface TrainingPhaseProps {
  readonly runId: string
  readonly algorithm: string | null
  readonly meanings: Readonly<Record<string, string>>
}

function TrainingPhaseView({ runId, algorithm, meanings }: TrainingPhaseProps) {
  const algorithmOf = useAlgorithm()
  const description = useMemo(() => algorithmOf(algorithm), [algorithmOf, algorithm])
  const colour = methodColour(description)
  const metrics = useMetrics(runId)
  const smoothing = usePreferences((state) => state.smoothing)
  const [range, setRange] = useState<readonly [number, number] | null>(null)
  const zoom = useMemo((): Zoom => ({ range, setRange }), [range])
  const marks = useMemo(() => metrics.marks.map(({ step, label }) => ({ step: step + 1, label })), [metrics.marks])
  const names = Object.keys(metrics.columns)
  const reward = metricFor('reward', names)
  const kl = metricFor('kl', names)
  const loss = metricFor('loss', names)
  const charts = useMemo(
    () => ({
      reward: seriesOf(metrics, reward, colour),
      kl: seriesOf(metrics, kl, 'var(--hone-series-7)'),
      loss: seriesOf(metrics, loss, 'var(--hone-series-7)'),
    }),
    [metrics, reward, kl, loss, colour],
  )
  const meaning = (name: string | null, fallback: string): string => (name === null ? fallback : `${name}: ${meanings[name] ?? fallback}`)
  const waiting = 'The first update is on its way'
  return (
    <>
      <div className={classes.charts}>
        <LineChart
          title="Reward"
          meaning={meaning(reward, glossary.reward.text)}
          series={charts.reward}
          height={200}
          smoothing={smoothing}
          marks={marks}
          zoom={zoom}
          testId="chart-reward"
          emptyText={waiting}
        />
        <LineChart
          title="KL"
          meaning={meaning(kl, glossary.kl.text)}
          unit={unitOf(kl ?? '')}
          series={charts.kl}
          height={200}
          smoothing={smoothing}
          zoom={zoom}
          testId="chart-kl"
          scales
          emptyText={waiting}
        />
        <LineChart
          title="Loss"
          meaning={meaning(loss, (loss === null ? undefined : description?.metricQuestions[loss]?.answer) ?? glossary.loss.text)}
          series={charts.loss}
          height={200}
          smoothing={smoothing}
          zoom={zoom}
          testId="chart-loss"
          emptyText={waiting}
        />
      </div>
      <Group justify="flex-end" mt={8}>
        <SmoothingSelect />
      </Group>
    </>
  )
}
export const TrainingPhase = memo(TrainingPhaseView)
