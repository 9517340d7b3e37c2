import { Button } from '@mantine/core'
import { Component } from 'react'
import type { ReactNode } from 'react'
import { navigate, pathOnly } from '../navigation/location'
import { ErrorPanel } from '../widgets/ProblemList'

interface State {
  readonly error: Error | null
}

/** A page that threw: runs in the worker go on, nothing stored is lost. Moving to another page clears it. */
export class PageBoundary extends Component<{ readonly children: ReactNode }, State> {
  override state: State = { error: null }
  readonly #clear = (): void => {
    if (this.state.error) this.setState({ error: null })
  }

  static getDerivedStateFromError(error: unknown): State {
    return { error: error instanceof Error ? error : new Error(String(error)) }
  }
  override componentDidMount(): void {
    addEventListener('hashchange', this.#clear)
  }
  override componentWillUnmount(): void {
    removeEventListener('hashchange', this.#clear)
  }
  override render(): ReactNode {
    const { error } = this.state
    if (!error) return this.props.children
    return (
      <ErrorPanel
        title="This page stopped working."
        details={`${error.message}\n${error.stack ?? ''}`}
        actions={
          <>
            <Button onClick={this.#clear}>Try again</Button>
            <Button
              onClick={() => {
                // What was open or filtered may be what cannot be drawn.
                this.#clear()
                navigate(pathOnly())
              }}
            >
              Open the page without its selection
            </Button>
            <Button
              onClick={() => {
                location.reload()
              }}
            >
              Reload
            </Button>
          </>
        }
      >
        A run in progress goes on in its worker, and everything stored is kept. Other pages, and other records on this page, can be opened.
      </ErrorPanel>
    )
  }
}
