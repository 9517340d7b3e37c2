import { Text } from '@mantine/core'
import { formatBytes, formatCount } from '../format'
import { useGpu } from '../stores/studio'
import { VisibleText } from '../trajectory/VisibleText'
import { CopyText } from '../widgets/CopyText'
import { Loading, Panel } from '../widgets/Panel'
import classes from './settings.module.css'
import { limitRows } from './storageRows'

export function GpuPanel() {
  const gpu = useGpu()
  if (gpu === null) return <Loading label="Asking for the GPU" />
  if (gpu.state === 'unavailable') {
    return (
      <Panel title="GPU" aside={<CopyText text={`${gpu.cause}: ${gpu.message}`} />}>
        <Text>{gpu.message}</Text>
        <Text size="xs" c="dimmed">
          Cause: {gpu.cause}
        </Text>
      </Panel>
    )
  }
  const { adapter } = gpu
  const facts: readonly (readonly [string, string])[] = [
    ['Device', adapter.description !== '' ? adapter.description : adapter.device !== '' ? adapter.device : 'the browser does not name it'],
    ['Vendor', adapter.vendor],
    ['Architecture', adapter.architecture],
    ['Software', adapter.isSoftware ? 'yes: WebGPU runs on the processor' : 'no'],
    ['Largest buffer', formatBytes(gpu.largestBufferBytes)],
    ['Planned now', formatBytes(gpu.plannedBytes)],
  ]
  return (
    <>
      <Panel title="GPU" aside={<CopyText text={JSON.stringify(adapter, null, 2)} label="Copy report" />}>
        <dl className={classes.facts}>
          {facts.map(([name, value]) => (
            <div key={name} style={{ display: 'contents' }}>
              <dt>{name}</dt>
              <dd>
                <VisibleText text={value === '' ? 'not given' : value} />
              </dd>
            </div>
          ))}
          <dt>Features</dt>
          <dd className={classes.mono}>{adapter.features.length === 0 ? 'none beyond the standard' : adapter.features.join(', ')}</dd>
        </dl>
        <Text size="xs" c="dimmed" mt={8}>
          WebGPU reports no memory size; none is guessed here.
        </Text>
      </Panel>
      <Panel title="Limits" flush>
        <div className={classes.scroll} style={{ maxHeight: 420 }} role="region" aria-label="WebGPU limits" tabIndex={0}>
          <table className={classes.table}>
            <tbody>
              {limitRows(adapter.limits).map(([name, value]) => (
                <tr key={name}>
                  <th scope="row" className={classes.mono}>
                    {name}
                  </th>
                  <td className={classes.num}>
                    {/Size$/.test(name) && value >= 65_536 ? `${formatBytes(value)} (${formatCount(value)})` : formatCount(value)}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </Panel>
    </>
  )
}
