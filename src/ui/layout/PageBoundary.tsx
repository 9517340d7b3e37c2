import { Component } from 'react'
import type { ReactNode } from 'react'
import { currentAddress } from '../navigation/location'
import { BrokenPage } from './BrokenPage'

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
    return <BrokenPage error={error} address={currentAddress()} onLeave={this.#clear} />
  }
}
