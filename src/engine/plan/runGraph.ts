/** Runs a graph without state once: plans it, writes its inputs, reads its outputs. */
import type { EngineDevice } from '../device/engineDevice'
import { Executable } from './executable'
import { planGraph } from './planGraph'
import { ScratchPool } from './scratchPool'
import type { Graph } from '../tensor'

/** @param outputs how many numbers to read of each output. */
export async function runGraph<Name extends string>(
  engine: EngineDevice,
  graph: Graph,
  inputs: Readonly<Record<string, Float32Array | Uint32Array>>,
  outputs: Readonly<Record<Name, number>>,
): Promise<Record<Name, Float32Array>> {
  const pool = new ScratchPool(engine)
  const executable = await Executable.create(engine, planGraph(graph, engine), pool, (name) => {
    throw new Error(`no state ${name}`)
  })
  for (const [name, data] of Object.entries(inputs)) executable.write(name, data)
  await executable.run()
  const found: Partial<Record<Name, Float32Array>> = {}
  for (const name of Object.keys(outputs) as Name[]) found[name] = await executable.readOutput(name, outputs[name])
  executable.destroy()
  pool.destroy()
  return found as Record<Name, Float32Array>
}
