import './trustedTypes'
import '@mantine/core/styles.css'
import './layout/global.css'
import { MantineProvider } from '@mantine/core'
import { QueryClientProvider } from '@tanstack/react-query'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { queryClient } from './queries/client'
import { activeRunIds } from './queries/jobs'
import { watchStudioEvents } from './queries/studioEvents'
import { Routes } from './routes'
import { watchForGatewayToken } from './stores/gatewayToken'
import { connectStudio } from './stores/studio'
import { watchPageRequests } from './stores/network'
import { watchPage } from './stores/pageEvents'
import { watchLiveStudio } from './stores/workerWatch'
import { cssVariables, theme } from './theme'

watchForGatewayToken()
watchPageRequests()
watchPage(() => activeRunIds(queryClient))
watchStudioEvents(queryClient)
void connectStudio()
watchLiveStudio()

const root = document.getElementById('root')
if (!root) throw new Error('index.html has no #root.')
createRoot(root).render(
  <StrictMode>
    <MantineProvider theme={theme} cssVariablesResolver={cssVariables} defaultColorScheme="auto">
      <QueryClientProvider client={queryClient}>
        <Routes />
      </QueryClientProvider>
    </MantineProvider>
  </StrictMode>,
)
