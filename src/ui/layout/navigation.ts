import type { IconName } from '../widgets/Icon'
import { hrefs } from '../stores/hrefs'

export interface Place {
  readonly label: string
  readonly icon: IconName
  readonly href: string
  /** Paths that belong to the place. */
  readonly owns: readonly string[]
}
export const places: readonly Place[] = [
  { label: 'Home', icon: 'home', href: hrefs.home(), owns: ['/story'] },
  { label: 'Data', icon: 'data', href: hrefs.data(), owns: ['/data'] },
  { label: 'Label', icon: 'label', href: hrefs.label(), owns: ['/label'] },
  { label: 'Train', icon: 'train', href: hrefs.train(), owns: ['/train'] },
  { label: 'Trajectories', icon: 'trajectories', href: hrefs.trajectories(), owns: ['/trajectories'] },
  { label: 'Evaluate', icon: 'evaluate', href: hrefs.evaluate(), owns: ['/evaluate'] },
  { label: 'Models', icon: 'models', href: hrefs.models(), owns: ['/models'] },
  { label: 'Tools', icon: 'tools', href: hrefs.tools(), owns: ['/tools'] },
  { label: 'Settings', icon: 'settings', href: hrefs.settings(), owns: ['/settings'] },
]
export const placeOf = (path: string): Place | undefined =>
  places.find((place) => place.href === path || place.owns.some((prefix) => path.startsWith(prefix)))
