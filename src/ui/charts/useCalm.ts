/** A value that changes at most once in `everyMs`, and only while its chart is on screen: redraws are what a live page pays for. */
import { useEffect, useRef, useState } from 'react'
import type { RefObject } from 'react'
import { queueTurn } from './useTurn'

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

export function useCalm<T>(value: T, ref: RefObject<Element | null>, everyMs: number): T {
  const [calm, setCalm] = useState(value)
  const last = useRef(0)
  const onScreen = useOnScreen(ref)
  useEffect(() => {
    if (!onScreen || calm === value) return
    const wait = Math.max(0, last.current + everyMs - performance.now())
    let giveUp = (): void => undefined
    const timer = setTimeout(() => {
      giveUp = queueTurn(() => {
        last.current = performance.now()
        setCalm(() => value)
      })
    }, wait)
    return () => {
      clearTimeout(timer)
      giveUp()
    }
  }, [value, calm, onScreen, everyMs])
  return calm
}
