import { Popover, Stack, Table, Text, UnstyledButton, VisuallyHidden } from '@mantine/core'
import { formatBytes } from '../format'
import { useGpuName } from '../stores/gpuName'
import { useGpu, useRecording, useSource } from '../stores/studio'
import { Icon } from '../widgets/Icon'
import { gpuCause } from '../widgets/NoGpu'
import { Term } from '../widgets/Term'
import classes from './frame.module.css'

/** Opened many times while the GPU and the processor are busy. */
const INSTANT = { duration: 0 } as const

/** The adapter, what the plan uses of it, and the arithmetic behind. WebGPU reports no memory size: the limit shown is its largest buffer. */
export function GpuChip() {
  const gpu = useGpu()
  const source = useSource()
  const recording = useRecording()
  const ready = gpu?.state === 'ready' ? gpu : null
  const name = useGpuName(ready?.adapter ?? null)
  const memory = ready && ready.plannedBytes > 0 ? `${formatBytes(ready.plannedBytes)} planned` : ''
  const short = ready ? name : gpu === null && source === 'connecting' ? 'Looking for a GPU…' : 'No WebGPU'
  const text = memory === '' ? short : `${name}, ${memory}`
  const cause = gpu?.state === 'unavailable' ? gpuCause(gpu.cause) : null
  const feature = (wanted: string): string => (ready?.adapter.features.includes(wanted) ? 'yes' : 'no')
  return (
    <Popover position="bottom-end" width={320} keepMounted transitionProps={INSTANT}>
      <Popover.Target>
        <UnstyledButton className={classes.chip ?? ''} data-testid="gpu-chip" title={text}>
          <Icon name="chip" size={14} />
          <VisuallyHidden>GPU: </VisuallyHidden>
          <span>{short}</span>
          {memory !== '' && <span className={classes.chipMemory}>{memory}</span>}
        </UnstyledButton>
      </Popover.Target>
      <Popover.Dropdown>
        {ready ? (
          <Stack gap={8}>
            <Text fw={600}>{name}</Text>
            <Table withRowBorders={false} verticalSpacing={1} horizontalSpacing={4} aria-label="GPU">
              <Table.Tbody>
                <Table.Tr>
                  <Table.Td>Planned by what runs now</Table.Td>
                  <Table.Td ta="right">{ready.plannedBytes > 0 ? formatBytes(ready.plannedBytes) : 'nothing'}</Table.Td>
                </Table.Tr>
                <Table.Tr>
                  <Table.Td>Largest single buffer it allows</Table.Td>
                  <Table.Td ta="right">{formatBytes(ready.largestBufferBytes)}</Table.Td>
                </Table.Tr>
                <Table.Tr>
                  <Table.Td>
                    <Term of="largest binding">Largest binding</Term>
                  </Table.Td>
                  <Table.Td ta="right">{formatBytes(ready.adapter.limits.maxStorageBufferBindingSize ?? 0)}</Table.Td>
                </Table.Tr>
                <Table.Tr>
                  <Table.Td>16-bit floats · subgroups</Table.Td>
                  <Table.Td ta="right">
                    {feature('shader-f16')} · {feature('subgroups')}
                  </Table.Td>
                </Table.Tr>
              </Table.Tbody>
            </Table>
            <Text size="xs" c="dimmed">
              WebGPU does not say how much memory the GPU has.{' '}
              {ready.adapter.isSoftware && 'This GPU adapter is software: it computes on the processor.'}
            </Text>
          </Stack>
        ) : (
          <Stack gap={4}>
            <Text fw={600}>{cause?.title ?? 'Looking for a GPU'}</Text>
            <Text>{cause?.text ?? 'The engine worker is starting.'}</Text>
            {recording && <Text size="xs">The recorded run was made on {recording.adapterName}.</Text>}
          </Stack>
        )}
      </Popover.Dropdown>
    </Popover>
  )
}
