/**
 * A lab instrument: neutral greys, one accent for the primary action and the live run, four type sizes, a 4 px grid.
 * The default colour is `ink` (grey), so that switches and tabs stay quiet; only PrimaryButton and live marks use `ember`.
 */
import {
  ActionIcon,
  Anchor,
  Button,
  Checkbox,
  createTheme,
  Drawer,
  Input,
  Menu,
  Modal,
  Popover,
  Radio,
  Select,
  Switch,
  Table,
  Tabs,
  Text,
  Textarea,
  TextInput,
  Tooltip,
} from '@mantine/core'
import type { CSSVariablesResolver, MantineColorsTuple } from '@mantine/core'

const ink: MantineColorsTuple = [
  '#f6f7f8',
  '#eceef0',
  '#dcdfe3',
  '#c3c8ce',
  '#a3aab3',
  '#7b848f',
  '#5b6470',
  '#434b55',
  '#2e353d',
  '#1c2127',
]
/** Mantine's dark greys, cooled: 0 text … 4 borders, 6 inputs, 7 page. */
const dark: MantineColorsTuple = [
  '#dfe3e7',
  '#c3c8ce',
  '#a3aab3',
  '#7b848f',
  '#434b55',
  '#343a40',
  '#1b1f23',
  '#15181b',
  '#101214',
  '#0b0d0e',
]
const ember: MantineColorsTuple = [
  '#fff3ec',
  '#ffe3d3',
  '#ffc5a6',
  '#ffa376',
  '#fb854c',
  '#f16a28',
  '#d9530f',
  '#b8430a',
  '#93360a',
  '#6f2a0b',
]

/** Mantine draws notes two pixels smaller than its smallest size. */
const NOTES = { label: { fontSize: 13 }, description: { fontSize: 12 } }

export const theme = createTheme({
  primaryColor: 'ink',
  primaryShade: { light: 8, dark: 2 },
  colors: { ink, ember, dark },
  autoContrast: true,
  luminanceThreshold: 0.3,
  black: '#1c2127',
  defaultRadius: 3,
  fontFamily: 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif',
  fontFamilyMonospace: 'ui-monospace, "SF Mono", "Cascadia Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace',
  // Four sizes: 12 notes and labels, 13 body, 16 headings, 22 page titles.
  fontSizes: { xs: '12px', sm: '13px', md: '13px', lg: '16px', xl: '22px' },
  lineHeights: { xs: '1.4', sm: '1.45', md: '1.45', lg: '1.35', xl: '1.25' },
  spacing: { xs: '4px', sm: '8px', md: '12px', lg: '16px', xl: '24px' },
  headings: {
    fontWeight: '600',
    sizes: {
      h1: { fontSize: '22px', lineHeight: '1.25' },
      h2: { fontSize: '16px', lineHeight: '1.35' },
      h3: { fontSize: '13px', lineHeight: '1.45' },
      h4: { fontSize: '13px', lineHeight: '1.45' },
    },
  },
  respectReducedMotion: true,
  components: {
    Button: Button.extend({ defaultProps: { size: 'xs', variant: 'default' }, styles: { root: { fontWeight: 500 } } }),
    InputLabel: Input.Label.extend({ styles: { label: { fontSize: 13 } } }),
    ActionIcon: ActionIcon.extend({ defaultProps: { variant: 'subtle', size: 28 } }),
    Anchor: Anchor.extend({ defaultProps: { underline: 'always', c: 'inherit' } }),
    TextInput: TextInput.extend({ defaultProps: { size: 'xs' } }),
    Textarea: Textarea.extend({ defaultProps: { size: 'xs' } }),
    Select: Select.extend({ defaultProps: { size: 'xs', allowDeselect: false, comboboxProps: { transitionProps: { duration: 0 } } } }),
    Checkbox: Checkbox.extend({ defaultProps: { size: 'xs' }, styles: NOTES }),
    Radio: Radio.extend({ defaultProps: { size: 'xs' }, styles: NOTES }),
    Switch: Switch.extend({ defaultProps: { size: 'xs' }, styles: NOTES }),
    Text: Text.extend({ defaultProps: { size: 'sm' } }),
    Table: Table.extend({ defaultProps: { verticalSpacing: 4, horizontalSpacing: 8, fz: 13 } }),
    Tabs: Tabs.extend({ defaultProps: { keepMounted: false } }),
    Tooltip: Tooltip.extend({
      styles: { tooltip: { padding: '6px 10px', fontSize: 12 } },
      defaultProps: {
        withArrow: false,
        openDelay: 200,
        multiline: true,
        maw: 360,
        events: { hover: true, focus: true, touch: true },
        transitionProps: { duration: 0 },
      },
    }),
    Popover: Popover.extend({ defaultProps: { transitionProps: { duration: 0 }, shadow: 'sm' } }),
    Menu: Menu.extend({ defaultProps: { transitionProps: { duration: 0 }, shadow: 'sm' } }),
    Modal: Modal.extend({ defaultProps: { transitionProps: { duration: 0 } } }),
    // Their <header> would count as a second banner.
    ModalHeader: { defaultProps: { role: 'presentation' } },
    DrawerHeader: { defaultProps: { role: 'presentation' } },
    Drawer: Drawer.extend({ defaultProps: { transitionProps: { duration: 0 }, position: 'right' } }),
  },
})

/** Status, series and heat-map colours of both schemes. Text in these colours is AA on the page's background. */
export const cssVariables: CSSVariablesResolver = () => ({
  variables: {
    '--hone-series-1': '#0072b2',
    '--hone-series-2': '#d55e00',
    '--hone-series-3': '#009e73',
    '--hone-series-4': '#cc79a7',
    '--hone-series-5': '#e69f00',
    '--hone-series-6': '#56b4e9',
  },
  light: {
    '--mantine-color-dimmed': '#545d68',
    '--mantine-color-placeholder': '#646d78',
    '--mantine-color-error': '#b42318',
    '--hone-surface': '#f6f7f8',
    '--hone-raised': '#ffffff',
    '--hone-line': '#dcdfe3',
    '--hone-line-strong': '#8a939d',
    '--hone-accent': '#b8430a',
    '--hone-solved': '#0b7285',
    '--hone-unsure': '#8a5a00',
    '--hone-unsolved': '#b42318',
    '--hone-solved-soft': '#d8f0f0',
    '--hone-unsure-soft': '#fbeccb',
    '--hone-unsolved-soft': '#fbe0dd',
    '--hone-focus': '#1864ab',
    '--hone-series-7': '#1c2127',
    '--hone-series-8': '#7a5c00',
    '--hone-positive': '#e8862e',
    '--hone-negative': '#3b82c4',
  },
  dark: {
    '--mantine-color-body': '#15181b',
    '--mantine-color-text': '#dfe3e7',
    '--mantine-color-dimmed': '#a3aab3',
    '--mantine-color-placeholder': '#99a1ab',
    '--mantine-color-error': '#ff8a80',
    '--hone-surface': '#1b1f23',
    '--hone-raised': '#212529',
    '--hone-line': '#343a40',
    '--hone-line-strong': '#7b848f',
    '--hone-accent': '#fb854c',
    '--hone-solved': '#4fc3c9',
    '--hone-unsure': '#e0b04a',
    '--hone-unsolved': '#ff8a80',
    '--hone-solved-soft': '#123a3d',
    '--hone-unsure-soft': '#3d3013',
    '--hone-unsolved-soft': '#45201d',
    '--hone-focus': '#74c0fc',
    '--hone-series-7': '#dfe3e7',
    '--hone-series-8': '#c8b560',
    '--hone-positive': '#d9731a',
    '--hone-negative': '#4f94d4',
  },
})

/** The colour of an algorithm, as its description numbers it: the same on every screen. */
export const methodColour = (algorithm: { readonly colour: number } | null): string => `var(--hone-series-${algorithm?.colour ?? 7})`
/** Colours of a set of series that are not methods. */
export const seriesColour = (index: number): string => `var(--hone-series-${(index % 7) + 1})`
