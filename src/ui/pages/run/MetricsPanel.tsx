import { Button, Group, Text } from '@mantine/core'
import { useMemo, useState } from 'react'
import type { Alarm } from '../../../records/alarms'
import { METRIC_FORMATS, metricFile, type MetricFormat } from '../../../records/metricFiles'
import type { AlgorithmDescription } from '../../../worker/protocol'
import type { Zoom } from '../../charts/LineChart'
import { fromOne, type Series } from '../../charts/series'
import { downloadFile } from '../../downloadFile'
import { glossary } from '../../glossary'
import { useReadRun } from '../../queries/runs'
import type { MetricView } from '../../stores/metricHistory'
import { usePreferences } from '../../stores/preferences'
import { metricFor } from '../../story/storyModel'
import { methodColour } from '../../theme'
import { MetricChart } from '../../train/MetricChart'
import { smallMultiples } from '../../train/metricGroups'
import { SendToWandb } from '../../train/SendToWandb'
import { SmoothingSelect } from '../../train/SmoothingSelect'
import classes from '../../train/train.module.css'
import { Panel } from '../../widgets/Panel'

const MEDIA_TYPES: Readonly<Record<MetricFormat, string>> = { jsonl: 'application/jsonl', csv: 'text/csv' }
const NO_SERIES: readonly Series[] = []

function heroOf(metrics: MetricView): string | null {
  const names = Object.keys(metrics.columns)
  return metricFor('reward', names) ?? metricFor('loss', names)
}

function seriesByName(metrics: MetricView, hero: string | null, colour: string): ReadonlyMap<string, readonly Series[]> {
  const x = fromOne(metrics.step)
  return new Map(
    Object.entries(metrics.columns).map(([name, y]) => [name, [{ name, x, y, colour: name === hero ? colour : 'var(--hone-series-7)' }]]),
  )
}

interface MetricsPanelProps {
  readonly runId: string
  readonly metrics: MetricView
  readonly algorithm: AlgorithmDescription | null
  readonly meanings: Readonly<Record<string, string>>
  readonly alarms: readonly Alarm[]
  /** The run ended: no metrics will come. */
  readonly isOver: boolean
}

/** The curves of a run: reward first, then small multiples with linked zoom; and its metrics as files. */
export function MetricsPanel({ runId, metrics, algorithm, meanings, alarms, isOver }: MetricsPanelProps) {
  const smoothing = usePreferences((state) => state.smoothing)
  const [range, setRange] = useState<readonly [number, number] | null>(null)
  const zoom = useMemo((): Zoom => ({ range, setRange }), [range])
  const [everything, setEverything] = useState(false)
  const names = Object.keys(metrics.columns)
  const hero = useMemo(() => heroOf(metrics), [metrics])
  const colour = methodColour(algorithm)
  const series = useMemo(() => seriesByName(metrics, hero, colour), [metrics, hero, colour])
  const shown = everything ? names.filter((name) => name !== hero).map((name) => ({ title: name, name })) : smallMultiples(names, hero)
  const marks = useMemo(() => {
    const ofAlarms = alarms.map(({ step, kind }) => ({ step, label: `alarm: ${kind.replaceAll('_', ' ')}` }))
    return [...metrics.marks, ...ofAlarms].map(({ step, label }) => ({ step: step + 1, label }))
  }, [metrics.marks, alarms])
  return (
    <Panel title={hero === null ? 'Metrics' : 'Progress'} aside={<SmoothingSelect />}>
      <MetricChart
        metric={hero ?? ''}
        algorithm={algorithm}
        title={hero ?? 'Reward'}
        meaning={hero === null ? glossary.reward.text : (meanings[hero] ?? glossary.reward.text)}
        series={hero === null ? NO_SERIES : (series.get(hero) ?? NO_SERIES)}
        height={240}
        smoothing={smoothing}
        marks={marks}
        zoom={zoom}
        scales
        testId="chart-reward"
        emptyText={isOver ? 'This run has no metrics' : 'The first update is on its way'}
      />
      {shown.length > 0 && (
        <div className={classes.multiples} style={{ marginTop: 16 }}>
          {shown.map(({ title, name }) => (
            <MetricChart
              key={name}
              metric={name}
              algorithm={algorithm}
              title={title}
              meaning={`${name}: ${meanings[name] ?? ''}`}
              series={series.get(name) ?? NO_SERIES}
              height={120}
              smoothing={smoothing}
              zoom={zoom}
            />
          ))}
        </div>
      )}
      {names.length > 1 && (
        <Group gap={8} mt={12}>
          <Button
            size="compact-xs"
            onClick={() => {
              setEverything(!everything)
            }}
          >
            {everything ? 'Only the usual ones' : `All ${names.length} metrics`}
          </Button>
          <MetricFiles runId={runId} />
          <SendToWandb runId={runId} />
        </Group>
      )}
    </Panel>
  )
}

/** The whole history as a file: what is drawn may have lost its oldest rows. */
function MetricFiles({ runId }: { readonly runId: string }) {
  const readRun = useReadRun()
  const save = (format: MetricFormat): void => {
    readRun.mutate(runId, {
      onSuccess: ({ metrics }) => {
        downloadFile(`${runId}-metrics.${format}`, metricFile(metrics, format), MEDIA_TYPES[format])
      },
    })
  }
  return (
    <>
      {METRIC_FORMATS.map((format) => (
        <Button
          key={format}
          size="compact-xs"
          onClick={() => {
            save(format)
          }}
        >
          {format === 'csv' ? 'Save as CSV' : 'Save as JSON lines'}
        </Button>
      ))}
      {readRun.error !== null && (
        <Text c="var(--hone-unsolved)" role="alert">
          {readRun.error}
        </Text>
      )}
    </>
  )
}
