/** Every page of the catalogue at its address. */
import { Suspense } from 'react'
import { Route, Router, Switch } from 'wouter'
import { Frame } from './layout/Frame'
import { PageBoundary } from './layout/PageBoundary'
import { StudioGate } from './layout/StudioGate'
import { useHashLocation, useHashSearch } from './navigation/location'
import { pages } from './pages'
import { EmptyState, Loading, PageHead } from './widgets/Panel'

export function Routes() {
  return (
    <Router hook={useHashLocation} searchHook={useHashSearch}>
      <Frame pages={pages}>
        <PageBoundary>
          <Suspense fallback={<Loading label="Opening the page" lines={5} />}>
            <Switch>
              {pages.map(({ path, component: Page, needsStudio = true }) => (
                <Route key={path} path={path}>
                  {needsStudio ? (
                    <StudioGate>
                      <Page />
                    </StudioGate>
                  ) : (
                    <Page />
                  )}
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
