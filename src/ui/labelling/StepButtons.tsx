import { Button } from '@mantine/core'

/** The four movements as buttons: every key has one. */
export function StepButtons({
  onStep,
  onTrajectory,
}: {
  readonly onStep: (by: number) => void
  readonly onTrajectory: (by: number) => void
}) {
  const one = (label: string, sign: string, keys: string, run: () => void) => (
    <Button size="compact-xs" aria-label={label} title={label} aria-keyshortcuts={keys} onClick={run}>
      {sign}
    </Button>
  )
  return (
    <>
      {one('Previous trajectory', '⇤', 'Shift+K', () => onTrajectory(-1))}
      {one('Previous step', '↑', 'k', () => onStep(-1))}
      {one('Next step', '↓', 'j', () => onStep(1))}
      {one('Next trajectory', '⇥', 'Shift+J', () => onTrajectory(1))}
    </>
  )
}
