/** No WebGPU, by cause: what it means, what to do, and a way on. */
import { Group, Stack, Text, Title } from '@mantine/core'
import { useState } from 'react'
import type { ReactNode } from 'react'
import { connectStudio, useStudioState, watchRecording } from '../stores/studio'
import { hrefs } from '../navigation/hrefs'
import { navigate } from '../navigation/location'
import { Button } from '@mantine/core'
import { CopyText } from './CopyText'
import classes from './widgets.module.css'

interface Cause {
  readonly title: string
  readonly text: string
  /** Lines worth copying: pages cannot link to chrome:// addresses. */
  readonly copy: readonly string[]
}

const LINUX_LINES = ['chrome://flags/#enable-unsafe-webgpu', 'google-chrome --enable-unsafe-webgpu --enable-features=Vulkan']
const onLinux = (): boolean => /Linux|X11/.test(navigator.userAgent) && !/Android/.test(navigator.userAgent)

export function gpuCause(cause: string): Cause {
  switch (cause) {
    case 'insecure-context':
      return {
        title: 'WebGPU needs https or localhost',
        text: 'This page came over plain http from another machine, where browsers switch WebGPU off. Open it over https, or on this machine through localhost.',
        copy: [`http://localhost${location.port === '' ? '' : `:${location.port}`}${location.pathname}`],
      }
    case 'no-api':
      return {
        title: 'This browser has no WebGPU',
        text: 'Chrome or Edge 121 and later, Safari 26 and later, and Firefox 141 and later on Windows have it. Update the browser, or open this address in one of those.',
        copy: [location.href],
      }
    case 'no-adapter':
      return onLinux()
        ? {
            title: 'The browser offers no GPU adapter',
            text: 'On Linux, Chrome keeps WebGPU behind a flag. Open the first address and enable it, or start Chrome with the second line. Then try again.',
            copy: LINUX_LINES,
          }
        : {
            title: 'The browser offers no GPU adapter',
            text: 'Switch on “Use graphics acceleration when available” in the browser’s system settings and restart it. The address below says what the browser made of this machine’s GPU.',
            copy: ['chrome://gpu'],
          }
    case 'no-device':
      return {
        title: 'The GPU refused a device',
        text: 'Another program may hold the GPU, or its driver is too old. Close other heavy tabs, update the driver, and try again. The address below has the driver’s own words.',
        copy: ['chrome://gpu'],
      }
    case 'too-small':
      return {
        title: 'This GPU’s limits are too small',
        text: 'It offers less than WebGPU’s default limits. Where the machine has two GPUs, let the browser use the stronger one: Windows Settings › System › Display › Graphics; macOS Settings › Battery; Linux: DRI_PRIME=1.',
        copy: ['chrome://gpu'],
      }
    case 'lost':
      return {
        title: 'The GPU was lost',
        text: 'The driver reset or the machine slept. Checkpoints were kept: try again, then resume the run.',
        copy: ['chrome://gpu'],
      }
    case 'worker':
      return {
        title: 'The engine did not start',
        text: 'Its worker file could not be loaded. Reload the page; if it stays, a proxy or an extension may be blocking scripts from this address.',
        copy: [location.href],
      }
    default:
      return { title: 'No WebGPU', text: 'Training needs it; looking at results and labelling do not.', copy: ['chrome://gpu'] }
  }
}

/** Opens the recorded run and goes to its story. Resolves to a sentence when it cannot. */
export async function openRecordedStory(): Promise<string | null> {
  const reply = await watchRecording()
  if (!reply.ok) return reply.message
  navigate(hrefs.story(reply.value.runId))
  return null
}

export function WatchRecordedRun({ label = 'Watch a recorded run' }: { readonly label?: string }) {
  const [problem, setProblem] = useState<string | null>(null)
  const [opening, setOpening] = useState(false)
  return (
    <>
      <Button
        data-testid="watch-recorded"
        disabled={opening}
        onClick={() => {
          setOpening(true)
          void openRecordedStory().then((message) => {
            setOpening(false)
            setProblem(message)
          })
        }}
      >
        {opening ? 'Opening…' : label}
      </Button>
      {problem !== null && (
        <Text c="var(--hone-unsolved)" role="alert">
          {problem}
        </Text>
      )}
    </>
  )
}

/** `children` stands before the explanation, for what the page itself cannot do without a GPU. */
export function NoGpu({ children }: { readonly children?: ReactNode }) {
  const gpu = useStudioState((state) => state.gpu)
  if (gpu === null || gpu.state === 'ready') return null
  const cause = gpuCause(gpu.cause)
  return (
    <section className={classes.panel} aria-labelledby="no-gpu-title" data-testid="no-gpu">
      <Stack gap={8} p={12}>
        <Title order={2} size="h3" id="no-gpu-title">
          {cause.title}
        </Title>
        {children}
        <Text maw={720}>{cause.text}</Text>
        <pre className={classes.code} tabIndex={0} aria-label="Lines to copy">
          {cause.copy.join('\n')}
        </pre>
        {gpu.message !== '' && (
          <Text size="xs" c="dimmed">
            The browser said: {gpu.message}
          </Text>
        )}
        <Group gap={8}>
          <CopyText text={cause.copy.join('\n')} />
          <Button
            onClick={() => {
              void connectStudio()
            }}
          >
            Try again
          </Button>
          <WatchRecordedRun />
        </Group>
      </Stack>
    </section>
  )
}
