import { Tabs } from '@mantine/core'
import { z } from 'zod'
import { AboutPanel, PersonPanel } from '../../settings/AboutPanel'
import { GpuPanel } from '../../settings/GpuPanel'
import { NetworkPanel } from '../../settings/NetworkPanel'
import { StoragePanel } from '../../settings/StoragePanel'
import classes from '../../settings/settings.module.css'
import { useUrlState } from '../../navigation/location'
import { PageHead } from '../../widgets/Panel'

const urlSchema = z.object({ tab: z.enum(['storage', 'network', 'gpu', 'about']).catch('storage').default('storage') })

export default function SettingsPage() {
  const [url, setUrl] = useUrlState(urlSchema)
  return (
    <>
      <PageHead title="Settings" about="What is kept, what left this tab, what the GPU allows." />
      <Tabs
        value={url.tab}
        onChange={(tab) => {
          setUrl({ tab: urlSchema.shape.tab.parse(tab) })
        }}
      >
        <Tabs.List mb={12}>
          <Tabs.Tab value="storage">Storage</Tabs.Tab>
          <Tabs.Tab value="network">Network</Tabs.Tab>
          <Tabs.Tab value="gpu">GPU</Tabs.Tab>
          <Tabs.Tab value="about">About</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="storage">
          <div className={classes.stack}>
            <StoragePanel />
          </div>
        </Tabs.Panel>
        <Tabs.Panel value="network">
          <NetworkPanel />
        </Tabs.Panel>
        <Tabs.Panel value="gpu">
          <div className={classes.stack}>
            <GpuPanel />
          </div>
        </Tabs.Panel>
        <Tabs.Panel value="about">
          <div className={classes.stack}>
            <PersonPanel />
            <AboutPanel />
          </div>
        </Tabs.Panel>
      </Tabs>
    </>
  )
}
