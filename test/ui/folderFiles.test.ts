import { describe, expect, it } from 'vitest'
import { checkpointFiles } from '../../src/ui/models/folderFiles'

const picked = (...paths: string[]) => paths.map((path) => ({ name: path.split('/').at(-1) ?? '', webkitRelativePath: path }))
const chosen = (...paths: string[]) => checkpointFiles(picked(...paths)).map(({ webkitRelativePath }) => webkitRelativePath)

describe('checkpointFiles', () => {
  it('leaves out folders within, whose files have the same names', () => {
    expect(
      chosen(
        'run/config.json',
        'run/checkpoint-500/config.json',
        'run/checkpoint-500/model.safetensors',
        'run/model.safetensors',
        'run/original/tokenizer.model',
      ),
    ).toEqual(['run/config.json', 'run/model.safetensors'])
  })

  it('takes the only folder with a checkpoint, and none of several', () => {
    expect(chosen('models/a/config.json', 'models/a/model.safetensors', 'models/notes.txt')).toEqual([
      'models/a/config.json',
      'models/a/model.safetensors',
    ])
    expect(chosen('models/a/config.json', 'models/b/config.json', 'models/notes.txt')).toEqual(['models/notes.txt'])
  })

  it('takes files without a folder as they are', () => {
    const files = [
      { name: 'config.json', webkitRelativePath: '' },
      { name: 'model.safetensors', webkitRelativePath: '' },
    ]
    expect(checkpointFiles(files)).toEqual(files)
    expect(checkpointFiles(picked('run/pytorch_model.bin'))).toHaveLength(1)
  })
})
