/** The starter world as a benchmark: its queries, its exam, and the expert whose transcripts a model imitates. */
import { z } from 'zod'
import { sha256 } from '../../base/sha256'
import type { Benchmark, BuiltInBenchmark, Expert, SplitUse } from '../benchmark'
import { sftCorpus } from './corpus'
import type { Split } from './database'
import { starterSettings, worldFor } from './environment'
import { oraclePolicy } from './expert'
import { USUAL_VERSION } from './version'
import { DESCRIPTION, NAME, TITLE, type StarterWorld } from './world'

const uses: readonly (readonly [Split, SplitUse])[] = [
  ['exam', 'exam'],
  ['dev', 'dev'],
  ['practice', 'practice'],
  ['train', 'train'],
]

const share = z.number().min(0).max(1)
const settings = z.object({
  samples: z.int().positive().default(60_000).meta({ help: 'transcripts of the curriculum' }),
  drills_share: share.default(0.1).meta({ help: 'share of them, at the beginning, that only drill copying' }),
  lasting_drills: share.default(0.04).meta({ help: 'share of drills after that' }),
  slip_rate: z.number().min(0).max(0.9).default(0).meta({ help: 'probability of a wrong call, to recover from, before each right one' }),
  made_up_tools: share.default(0.18).meta({ help: 'share of transcripts with tools whose names must be read off the list' }),
  wrong_rate: share.default(0.7).meta({ help: 'probability of the expert’s wrong move where it is prone to one' }),
})

function expertOf(world: StarterWorld): Expert {
  return {
    settings,
    transcripts(seed, given) {
      const own = settings.parse(given)
      const options = {
        samples: own.samples,
        drillsShare: own.drills_share,
        lastingDrills: own.lasting_drills,
        slipRate: own.slip_rate,
        madeUp: own.made_up_tools,
        wrongRate: own.wrong_rate,
      }
      const corpus = sftCorpus(world, { seed, ...options })
      return {
        length: own.samples,
        sha256: sha256(JSON.stringify([world.hash, options])),
        transcript: (index) => corpus.sample(index).messages,
      }
    },
    script: (query) => oraclePolicy(world, query),
  }
}

export function starterBenchmarkOf(world: StarterWorld): Benchmark {
  return {
    name: NAME,
    title: TITLE,
    description: DESCRIPTION,
    environment: world,
    splits: uses.map(([name, use]) => ({ name, use, queries: world.queries(name).length })),
    queries: (split) => world.queries(split),
    scorers: ['copyExact'],
    heldOut: world.heldOut,
    // The longest plan with one recovery needs six calls, out of a dead end seven; 99 of 100 episodes are shorter than 130 tokens, and no call is
    // longer than 48.
    limits: { toolCalls: world.version === USUAL_VERSION ? 6 : 8, maxContext: 512, maxNewTokens: 48 },
    judge: 'world',
    mustState: ['call_budget', 'world_hash', 'judge', 'strategy', 'temperature', 'sampling'],
    expert: expertOf(world),
  }
}

export const starterBenchmark: BuiltInBenchmark = {
  name: NAME,
  title: TITLE,
  description: DESCRIPTION,
  environment: NAME,
  settings: starterSettings,
  create: (parts) => starterBenchmarkOf(worldFor(parts)),
}
