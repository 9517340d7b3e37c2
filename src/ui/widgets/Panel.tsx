import { Button, Group, Skeleton, Stack, Text, Title } from '@mantine/core'
import type { ButtonProps } from '@mantine/core'
import { useEffect, useState } from 'react'
import type { ComponentPropsWithRef, ReactNode } from 'react'
import classes from './widgets.module.css'

interface PanelProps {
  readonly title: ReactNode
  /** Right side of the head: a few small controls. */
  readonly aside?: ReactNode
  readonly children: ReactNode
  /** No padding: tables and lists. */
  readonly flush?: boolean
  readonly testId?: string
  /** Heading level, 2 by default. */
  readonly order?: 2 | 3
}

/** A bordered section with a heading. */
export function Panel({ title, aside, children, flush = false, testId, order = 2 }: PanelProps) {
  return (
    <section className={classes.panel} data-testid={testId}>
      <div className={classes.panelHead}>
        <Title order={order} size="h3">
          {title}
        </Title>
        {aside !== undefined && <Group gap={8}>{aside}</Group>}
      </div>
      <div className={flush ? classes.panelBodyFlush : classes.panelBody}>{children}</div>
    </section>
  )
}

/** The page's title, one line about it, and its main actions. */
export function PageHead({ title, about, actions }: { readonly title: string; readonly about?: ReactNode; readonly actions?: ReactNode }) {
  return (
    <Group justify="space-between" align="flex-end" gap={12} mb={12}>
      <div>
        <Title order={1}>{title}</Title>
        {about !== undefined && (
          <Text c="dimmed" mt={2} maw={720}>
            {about}
          </Text>
        )}
      </div>
      {actions !== undefined && <Group gap={8}>{actions}</Group>}
    </Group>
  )
}

/** The one ember button of a view. */
export function PrimaryButton(props: ButtonProps & Omit<ComponentPropsWithRef<'button'>, keyof ButtonProps>) {
  return <Button color="ember.7" variant="filled" {...props} />
}

/** What to do next where there is nothing yet; at most one button. */
export function EmptyState({
  title,
  children,
  action,
}: {
  readonly title: string
  readonly children?: ReactNode
  readonly action?: ReactNode
}) {
  return (
    <div className={classes.empty}>
      <Text fw={600}>{title}</Text>
      {children !== undefined && (
        <Text c="dimmed" mt={4} maw={560} mx="auto">
          {children}
        </Text>
      )}
      {action !== undefined && (
        <Group justify="center" mt={12}>
          {action}
        </Group>
      )}
    </div>
  )
}

/** Grey lines, only once waiting has lasted 200 ms. */
export function Loading({ label = 'Loading', lines = 3 }: { readonly label?: string; readonly lines?: number }) {
  const [slow, setSlow] = useState(false)
  useEffect(() => {
    const timer = setTimeout(() => {
      setSlow(true)
    }, 200)
    return () => {
      clearTimeout(timer)
    }
  }, [])
  if (!slow) return null
  return (
    <Stack gap={8} py={8} role="status" aria-label={label}>
      {Array.from({ length: lines }, (_, line) => (
        <Skeleton key={line} height={14} width={`${90 - line * 14}%`} radius={2} animate={false} />
      ))}
    </Stack>
  )
}

/** A number, a token or a call. */
export function Numeric({ children }: { readonly children: ReactNode }) {
  return <span className={classes.numeric}>{children}</span>
}
