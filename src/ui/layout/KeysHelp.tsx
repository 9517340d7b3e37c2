import { Kbd, Modal, Table } from '@mantine/core'
import { usePageLegend } from '../navigation/pageKeys'
import type { PageDescription } from '../pages/definePage'

const FRAME_KEYS = [
  { keys: 'mod+K', does: 'find pages, runs, trajectories and actions' },
  { keys: '?', does: 'show these keys' },
] as const

function Combination({ keys }: { readonly keys: string }) {
  return (
    <>
      {keys.split('+').map((key, index) => (
        <span key={key}>
          {index > 0 && ' + '}
          <Kbd size="xs">{key === 'mod' ? (/Mac/.test(navigator.userAgent) ? '⌘' : 'Ctrl') : key}</Kbd>
        </span>
      ))}
    </>
  )
}

/** The keys of the page and those that open pages, shown by `?`. */
export default function KeysHelp({ pages, close }: { readonly pages: readonly PageDescription[]; readonly close: () => void }) {
  const { legend } = usePageLegend()
  const pageKeys = pages.flatMap(({ shortcut, title }) => (shortcut === undefined ? [] : [{ keys: shortcut, does: `open ${title}` }]))
  return (
    <Modal opened onClose={close} title="Keys" closeButtonProps={{ 'aria-label': 'Close' }} size="sm">
      <Table aria-label="Keys of this page">
        <Table.Tbody>
          {[...legend, ...FRAME_KEYS, ...pageKeys].map((row) => (
            <Table.Tr key={row.keys}>
              <Table.Td w={180}>
                <Combination keys={row.keys} />
              </Table.Td>
              <Table.Td>{row.does}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Modal>
  )
}
