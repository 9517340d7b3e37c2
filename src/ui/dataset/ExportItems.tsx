import { Menu } from '@mantine/core'
import type { ExportRequest } from '../queries/datasets'

/** The files that a source of data can be saved as, as items of a menu. */
export function ExportItems({ onExport }: { readonly onExport: (format: ExportRequest['format']) => void }) {
  return (
    <>
      <Menu.Item
        onClick={() => {
          onExport('hone-jsonl')
        }}
      >
        Export with every opinion (JSON Lines)
      </Menu.Item>
      <Menu.Item
        onClick={() => {
          onExport('steptool-csv')
        }}
      >
        Export with rewards (StepTool’s CSV)
      </Menu.Item>
    </>
  )
}
