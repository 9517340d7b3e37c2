/**
 * A value that changes at most once in `everyMs`: redraws are what a live page pays for. A chart that is not on the screen waits until
 * the value rests, so that it is whole when the page is printed, pictured or made larger, and costs nothing while a run is at work.
 */
import { useEffect, useEffectEvent, useRef, useState } from 'react'
import type { RefObject } from 'react'
import { queueTurn } from './useTurn'

/** So long a value must stay as it is to be drawn where nobody looks. */
const REST_MS = 2000

function useOnScreen(ref: RefObject<Element | null>): boolean {
  const [seen, setSeen] = useState(false)
  useEffect(() => {
    const element = ref.current
    if (!element) return
    const observer = new IntersectionObserver((entries) => {
      setSeen(entries.at(-1)?.isIntersecting === true)
    })
    observer.observe(element)
    return () => {
      observer.disconnect()
    }
  }, [ref])
  return seen
}

/** Calls `take` after `wait` ms, when it is the chart's turn. Returns a function that gives it up. */
function takeLater(take: () => void, wait: number): () => void {
  let giveUp = (): void => undefined
  const timer = setTimeout(() => {
    giveUp = queueTurn(take)
  }, wait)
  return () => {
    clearTimeout(timer)
    giveUp()
  }
}

export function useCalm<T>(value: T, ref: RefObject<Element | null>, everyMs: number): T {
  const [calm, setCalm] = useState(value)
  const last = useRef(0)
  const onScreen = useOnScreen(ref)
  const isBehind = calm !== value
  const take = useEffectEvent(() => {
    last.current = performance.now()
    setCalm(() => value)
  })
  // A newer value does not lose the chart its turn: where values come faster than charts are drawn, the last one would wait without end.
  useEffect(
    () => (onScreen && isBehind ? takeLater(take, Math.max(0, last.current + everyMs - performance.now())) : undefined),
    [calm, isBehind, onScreen, everyMs],
  )
  useEffect(() => (!onScreen && isBehind ? takeLater(take, REST_MS) : undefined), [value, isBehind, onScreen])
  return calm
}
