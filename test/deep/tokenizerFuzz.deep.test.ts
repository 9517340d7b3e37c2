/** Everything the fuzzed strings are put to, on all 10,000. */
import { fuzzSuite } from '../models/fuzzSuite'

fuzzSuite({ others: 10_000 })
