/** The inline icon set: 16 × 16, one stroke width, always decorative (the label is beside it or on the button). */
const paths = {
  home: 'M2.5 7.5 8 3l5.5 4.5M4 6.5V13h8V6.5',
  data: 'M3 4c0-1 2.2-1.5 5-1.5S13 3 13 4s-2.2 1.5-5 1.5S3 5 3 4Zm0 0v8c0 1 2.2 1.5 5 1.5s5-.5 5-1.5V4M3 8c0 1 2.2 1.5 5 1.5S13 9 13 8',
  label: 'M2.5 3h5l6 6-4.5 4.5-6.5-6Zm3 2.5v.01',
  train: 'M2 13.5 6 8l3 3 5-8M10 3h4v4',
  trajectories: 'M3 3v10M3 5h4M3 11h4M7 3.5h3v3H7Zm0 6h3v3H7ZM10 5h4M10 11h4',
  evaluate: 'M3 13V7M7 13V3M11 13V9M2 13.5h12',
  models: 'M8 2 13.5 5v6L8 14 2.5 11V5ZM2.5 5 8 8l5.5-3M8 8v6',
  tools: 'M10.5 2.5a3.5 3.5 0 0 0-3.3 4.7L2.5 12l1.6 1.6 4.8-4.8a3.5 3.5 0 0 0 4.4-4.5L11 6.5 9.5 5l2.2-2.2a3.5 3.5 0 0 0-1.2-.3Z',
  settings: 'M2 4.5h7M12 4.5h2M2 11.5h2M7 11.5h7M10.5 3v3M5.5 10v3',
  search: 'M7 2.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9ZM10.5 10.5l3.5 3.5',
  sun: 'M8 5a3 3 0 1 0 0 6 3 3 0 0 0 0-6ZM8 1.5v1.5M8 13v1.5M1.5 8H3M13 8h1.5M3.4 3.4l1 1M11.6 11.6l1 1M3.4 12.6l1-1M11.6 4.4l1-1',
  moon: 'M13 9.5A5.5 5.5 0 0 1 6.5 3a5.5 5.5 0 1 0 6.5 6.5Z',
  pause: 'M5.5 3v10M10.5 3v10',
  play: 'M4.5 2.5 13 8l-8.5 5.5Z',
  stop: 'M3.5 3.5h9v9h-9Z',
  close: 'M3.5 3.5l9 9M12.5 3.5l-9 9',
  copy: 'M5.5 5.5h8v8h-8ZM3 10.5H2.5v-8h8V3',
  check: 'M3 8.5 6.5 12 13 4.5',
  network: 'M8 2v8M5 5l3-3 3 3M2.5 10v3.5h11V10',
  chip: 'M4.5 4.5h7v7h-7ZM6.5 2v2.5M9.5 2v2.5M6.5 11.5V14M9.5 11.5V14M2 6.5h2.5M2 9.5h2.5M11.5 6.5H14M11.5 9.5H14',
  right: 'M6 3l5 5-5 5',
  left: 'M10 3 5 8l5 5',
  down: 'M3 6l5 5 5-5',
  plus: 'M8 3v10M3 8h10',
  external: 'M9 2.5h4.5V7M13.5 2.5 7.5 8.5M11 9v4.5H2.5V5H7',
  download: 'M8 2v8M5 7l3 3 3-3M2.5 11v2.5h11V11',
  upload: 'M8 10V2M5 5l3-3 3 3M2.5 11v2.5h11V11',
  trash: 'M2.5 4.5h11M6 4.5v-2h4v2M4 4.5l.5 9h7l.5-9M6.5 7v4M9.5 7v4',
  undo: 'M5.5 2.5 2.5 5.5l3 3M2.5 5.5h7a4 4 0 0 1 0 8H6',
  warning: 'M8 2 14.5 13.5h-13ZM8 6.5v3.5M8 12v.01',
  help: 'M5.5 6a2.5 2.5 0 1 1 3.7 2.2c-.8.4-1.2.9-1.2 1.8M8 12.5v.01',
} as const

export type IconName = keyof typeof paths

export function Icon({ name, size = 16 }: { readonly name: IconName; readonly size?: number }) {
  return (
    <svg
      width={size}
      height={size}
      viewBox="0 0 16 16"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.4"
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
      focusable="false"
    >
      <path d={paths[name]} />
    </svg>
  )
}

/** Hone's mark: a single bevelled stroke. */
export function Mark({ size = 20 }: { readonly size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 20 20" aria-hidden="true" focusable="false">
      <path d="M3 17 15 2h3L6.5 17Z" fill="currentColor" />
      <path d="M6.5 17 18 2l-.5 4L9.5 17Z" fill="var(--hone-accent)" />
    </svg>
  )
}
