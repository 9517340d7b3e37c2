/** Picking a folder gives the files of all folders in it too, which are known by their names alone later. */

type Picked = Pick<File, 'name' | 'webkitRelativePath'>

const folderOf = ({ webkitRelativePath }: Picked): string => webkitRelativePath.slice(0, webkitRelativePath.lastIndexOf('/') + 1)

/**
 * The files of the checkpoint itself: those beside config.json in the picked folder. Trainers leave checkpoint-500/ and the like within, with
 * files of the same names. A folder that only holds one with a config.json stands for that one.
 */
export function checkpointFiles<T extends Picked>(files: readonly T[]): readonly T[] {
  const folders = [...new Set(files.filter(({ name }) => name === 'config.json').map(folderOf))]
  const depth = (folder: string): number => folder.split('/').length
  const least = Math.min(...folders.map(depth))
  const [own, ...others] = folders.filter((folder) => depth(folder) === least)
  const top = `${files[0]?.webkitRelativePath.split('/')[0] ?? ''}/`
  const chosen = own === undefined || others.length > 0 ? top : own
  return files.filter((file) => folderOf(file) === chosen || file.webkitRelativePath === '')
}
