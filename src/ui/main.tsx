import './trustedTypes'
import '@mantine/core/styles.css'
import './layout/global.css'
import { MantineProvider } from '@mantine/core'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { Routes } from './routes'
import { connectStudio } from './stores/studio'
import { watchPageRequests } from './stores/network'
import { watchPage } from './stores/pageEvents'
import { cssVariables, theme } from './theme'

watchPageRequests()
watchPage()
void connectStudio()

const root = document.getElementById('root')
if (!root) throw new Error('index.html has no #root.')
createRoot(root).render(
  <StrictMode>
    <MantineProvider theme={theme} cssVariablesResolver={cssVariables} defaultColorScheme="auto">
      <Routes />
    </MantineProvider>
  </StrictMode>,
)
