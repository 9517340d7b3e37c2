/** A page of charts alone, in the situations in which a chart could stay empty: bundled and loaded by charts.deep.test.ts. */
import { MantineProvider } from '@mantine/core'
import { createElement, StrictMode, useEffect, useState, type CSSProperties } from 'react'
import { createRoot } from 'react-dom/client'
import { LineChart } from '../../src/ui/charts/LineChart'
import type { Series } from '../../src/ui/charts/series'

const NONE: readonly Series[] = []
const valuesTo = (steps: number): readonly Series[] => {
  const x = Array.from({ length: steps }, (_, at) => at + 1)
  return [{ name: 'reward', x, y: x.map((at) => Math.sin(at / 3)) }]
}

interface Situation {
  readonly name: string
  /** Of what the chart stands in, before and after it is shown. */
  readonly hidden?: CSSProperties
  readonly shown?: CSSProperties
  /** In a closed `details`, opened when it is shown. */
  readonly isFolded?: boolean
  /** It has its values from the start. */
  readonly isFilled?: boolean
}

const SITUATIONS: readonly Situation[] = [
  { name: 'filled from the start', isFilled: true },
  { name: 'filled later' },
  { name: 'folded', isFolded: true },
  { name: 'folded and filled from the start', isFolded: true, isFilled: true },
  { name: 'not displayed', hidden: { display: 'none' } },
  { name: 'without width', hidden: { width: 0, overflow: 'hidden' }, shown: { width: 500 } },
  { name: 'without height', hidden: { height: 0, overflow: 'hidden' } },
  { name: 'behind content-visibility', hidden: { contentVisibility: 'hidden' } },
  { name: 'below the screen', hidden: { marginTop: 4000 }, shown: { marginTop: 4000 } },
]

interface PageState {
  readonly isFilled: boolean
  readonly isShown: boolean
  /** More than 0: every chart is given so many steps. */
  readonly live: number
}
let change: (state: Partial<PageState>) => void = () => undefined

function Chart({ situation, state }: { readonly situation: Situation; readonly state: PageState }) {
  const { name, hidden = {}, shown = {}, isFolded = false } = situation
  const [filled] = useState(() => valuesTo(20))
  const [live, setLive] = useState(NONE)
  useEffect(() => {
    if (state.live > 0) setLive(valuesTo(state.live))
  }, [state.live])
  const series = state.live > 0 ? live : state.isFilled || situation.isFilled ? filled : NONE
  const chart = createElement(LineChart, { title: name, series, testId: name })
  const style = state.isShown ? shown : hidden
  return isFolded
    ? createElement('details', { open: state.isShown }, createElement('summary', null, name), chart)
    : createElement('div', { style }, chart)
}

function Page() {
  const [state, setState] = useState<PageState>({ isFilled: false, isShown: false, live: 0 })
  useEffect(() => {
    change = (next) => {
      setState((now) => ({ ...now, ...next }))
    }
  }, [])
  return SITUATIONS.map((situation) => createElement(Chart, { key: situation.name, situation, state }))
}

/** Mounts the charts, as the studio's page does. */
function mount(): void {
  const root = document.createElement('main')
  document.body.append(root)
  createRoot(root).render(createElement(StrictMode, null, createElement(MantineProvider, null, createElement(Page))))
}

/** Names of the charts without a line. */
function withoutLine(): string[] {
  return SITUATIONS.map(({ name }) => name).filter((name) => {
    const line = document.querySelector(`[data-testid="${name}"] path.recharts-line-curve`)
    return (line?.getAttribute('d') ?? '').length < 20
  })
}

Object.assign(window, { charts: { mount, change: (next: Partial<PageState>) => { change(next) }, withoutLine } }) // prettier-ignore
