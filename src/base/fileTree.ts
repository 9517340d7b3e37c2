/** Files that the user gave: a folder, an archive, or one file. Each is read when it is needed. */
export interface FileTree {
  /** For messages: the name of the folder, the archive or the file. */
  readonly title: string
  /** Relative paths with forward slashes, sorted. */
  paths(): Promise<readonly string[]>
  /** null when there is no such file. */
  blob(path: string): Promise<Blob | null>
}
