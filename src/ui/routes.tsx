/** Every page and its address. Addresses are built by `stores/hrefs.ts`; pages load when first opened. */
import { lazy, Suspense } from 'react'
import type { ComponentType } from 'react'
import { Route, Router, Switch } from 'wouter'
import { Frame } from './layout/Frame'
import { PageBoundary } from './layout/PageBoundary'
import { StudioGate } from './layout/StudioGate'
import HomePage from './pages/HomePage'
import { useHashLocation, useHashSearch } from './stores/location'
import { EmptyState, Loading, PageHead } from './widgets/Panel'

const StoryPage = lazy(() => import('./pages/StoryPage'))
const TrainPage = lazy(() => import('./pages/TrainPage'))
const DataPage = lazy(() => import('./pages/DataPage'))
const LabelPage = lazy(() => import('./pages/LabelPage'))
const TrajectoriesPage = lazy(() => import('./pages/TrajectoriesPage'))
const EvaluatePage = lazy(() => import('./pages/EvaluatePage'))
const ModelsPage = lazy(() => import('./pages/ModelsPage'))
const ToolsPage = lazy(() => import('./pages/ToolsPage'))
const SettingsPage = lazy(() => import('./pages/SettingsPage'))

const pages: readonly (readonly [path: string, page: ComponentType])[] = [
  ['/story/:runId', StoryPage],
  ['/train/*?', TrainPage],
  ['/data', DataPage],
  ['/label', LabelPage],
  ['/trajectories', TrajectoriesPage],
  ['/evaluate', EvaluatePage],
  ['/models', ModelsPage],
  ['/tools', ToolsPage],
  ['/settings', SettingsPage],
]

export function Routes() {
  return (
    <Router hook={useHashLocation} searchHook={useHashSearch}>
      <Frame>
        <PageBoundary>
          <Suspense fallback={<Loading label="Opening the page" lines={5} />}>
            <Switch>
              <Route path="/">
                <HomePage />
              </Route>
              {pages.map(([path, Page]) => (
                <Route key={path} path={path}>
                  <StudioGate>
                    <Page />
                  </StudioGate>
                </Route>
              ))}
              <Route>
                <PageHead title="Nothing here" />
                <EmptyState title="There is no page at this address.">Pick one from the rail on the left.</EmptyState>
              </Route>
            </Switch>
          </Suspense>
        </PageBoundary>
      </Frame>
    </Router>
  )
}
