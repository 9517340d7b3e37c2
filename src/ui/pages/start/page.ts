import { definePage } from '../definePage'
import StartPage from './StartPage'

/** The one page that comes with the first load: it is what most people see first, and it needs no engine. */
export const page = definePage({
  path: '/',
  title: 'Home',
  navigation: { label: 'Home', icon: 'home' },
  shortcut: 'alt+shift+H',
  needsStudio: false,
  component: StartPage,
})
