/** Reads a file of data in a Web Worker of its own. */
import { expose } from 'comlink'
import { createDataWorker } from './dataWorker'

expose(createDataWorker())
